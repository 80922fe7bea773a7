"""What the description of the REST API says of itself."""

from typing import Any

DESCRIPTION: dict[str, Any] = {
    "TITLE": "AI Gallery",
    "DESCRIPTION": "Models, datasets, their files and versions.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "ItemType": ["file", "folder"],
        "RefType": ["branch", "tag"],
        "AssetKind": "assets.models.Asset.Kind",
        "NamespaceKind": "accounts.models.Namespace.Kind",
        "Visibility": "assets.models.Asset.Visibility",
        "PublicationState": "assets.models.Asset.State",
        "SubmissionState": "assets.models.Submission.State",
        "JobState": "jobs.models.Job.State",
        "DeliveryState": "accounts.models.WebhookDelivery.State",
        "ToolchainSupport": "assets.models.Term.Support",
        "ToolchainCode": "toolchain.serializers.CODES",
        "ToolchainMode": "toolchain.serializers.MODES",
        "FindingSeverity": "toolchain.serializers.SEVERITIES",
        "SafetyVerdict": "assets.models.Asset.Safety",
        "SafetySeverity": "assets.serializers.inspections.SEVERITIES",
        "InspectionState": "assets.serializers.inspections.STATES",
        "TablesState": ["ready", "waiting", "reading", "failed", "none", "unread"],
    },
}
