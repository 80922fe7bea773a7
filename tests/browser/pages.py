"""The addresses of every kind of page, with demo content on it."""

MODEL = "/models/yunhe-lab/Yunhe-7B-Chat"
OWN = "/models/linwz/Yunhe-7B-Support"
OPEN_DATASET = "/datasets/yunling/Bearing-Defect-30k"
DATASET = "/datasets/linwz/Spindle-Tickets"

OF_A_VISITOR = {
    "home": "/",
    "cards": "/models",
    "filtered": "/models?task=text-generation&hardware=gpu",
    "table": "/models?view=table",
    "nothing-found": "/models?q=there-is-no-such-model",
    "datasets": "/datasets",
    "model": MODEL,
    "dataset": OPEN_DATASET,
    "files": f"{MODEL}/files",
    "folder": f"{MODEL}/files/main/gallery_train",
    "markdown": f"{MODEL}/files/main/README.md",
    "source": f"{MODEL}/files/main/config.json",
    "weights": f"{MODEL}/files/main/model-00001-of-00004.safetensors",
    "binary": f"{MODEL}/files/main/tokenizer.model",
    "find-file": f"{MODEL}/files?f=token",
    "history": f"{MODEL}/history/main",
    "versions": f"{MODEL}/versions",
    "person": "/linwz",
    "organisation": "/yunhe-lab",
    "sign-in": "/account/login/",
    "sign-up": "/account/signup/",
    "forgotten": "/account/password/reset/",
    "missing": "/models/nobody/nothing",
    "design": "/design",
}
OF_AN_OWNER = {
    "home-signed-in": "/",
    "own-model": OWN,
    "own-files": f"{OWN}/files",
    "upload": f"{OWN}/upload",
    "new-file": f"{OWN}/new-file/main",
    "editor": f"{OWN}/edit",
    "dataset-editor": f"{DATASET}/edit",
    "edit-file": f"{OWN}/edit-file/main/README.md",
    "delete-files": f"{OWN}/delete-files/main?path=README.md",
    "own-versions": f"{OWN}/versions",
    "settings": f"{OWN}/settings",
    "delete": f"{OWN}/settings/delete",
    "new-model": "/models/new",
    "new-dataset": "/datasets/new",
    "profile": "/me/profile",
    "tokens": "/me/tokens",
    "organisations": "/me/organisations",
    "new-organisation": "/organisations/new",
    "organisation-settings": "/yunling/-/settings",
    "members": "/yunling/-/members",
    "forbidden": f"{MODEL}/settings",
    "sessions": "/account/sessions/",
    "email": "/account/email/",
    "second-step": "/account/2fa/",
    "sign-out": "/account/logout/",
}
REFUSED = {"missing": 404, "forbidden": 403}
