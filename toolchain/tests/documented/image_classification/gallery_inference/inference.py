"""Says which class a picture belongs to."""

import base64
import io
import os

import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageClassification


class Classifier:
    """Takes the bytes of a picture, or an object with the picture in Base64 as `image`; `top` is how many classes to name."""

    def __init__(self):
        folder = os.environ["ENV_AG_MODEL_DIR"]
        self.processor = AutoImageProcessor.from_pretrained(folder)
        self.model = AutoModelForImageClassification.from_pretrained(folder).eval()

    def __call__(self, inputs, top=2, **params):
        data = base64.b64decode(inputs["image"]) if isinstance(inputs, dict) else inputs
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        with torch.inference_mode():
            scores = self.model(**self.processor(picture, return_tensors="pt")).logits[0].softmax(-1)
        best = scores.argsort(descending=True)[: int(top)]
        return [{"label": self.model.config.id2label[int(index)], "score": round(float(scores[index]), 4)} for index in best]
