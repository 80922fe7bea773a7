"""The page on which a training job is put together."""

from toolchain.trainer.workflow.fields import KEPT, PREFIX, settings_of
from toolchain.trainer.workflow.page import Workflow

__all__ = ["KEPT", "PREFIX", "Workflow", "settings_of"]
