"""The page on which a training job is put together."""

from toolchain.trainer.workflow.fields import settings_of
from toolchain.trainer.workflow.page import Workflow

__all__ = ["Workflow", "settings_of"]
