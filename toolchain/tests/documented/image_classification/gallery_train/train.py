"""Teaches a picture classifier the classes of a dataset whose pictures lie in folders: train/<class>/ and test/<class>/."""

import json
import os
import time

import numpy as np
import torch
from datasets import load_dataset
from transformers import AutoImageProcessor, AutoModelForImageClassification, Trainer, TrainerCallback, TrainingArguments

MODEL_DIR = os.environ["ENV_AG_MODEL_DIR"]
DATASET_DIR = os.environ["ENV_AG_DATASET_DIR"]
OUTPUT_DIR = os.environ["ENV_AG_TRAIN_OUTPUT_DIR"]
METRICS_LOG = os.environ["ENV_AG_USER_METRICS_LOG_PATH"]
# Every value is text.
PARAMS = json.loads(os.environ["ENV_AG_USER_PARAMS"])


class MetricsLog(TrainerCallback):
    """Writes a line for the curves each time the trainer reports its loss: iteration, loss, pictures per second."""

    def __init__(self, batch_size):
        self.batch_size = batch_size
        self.step = 0
        self.moment = time.time()

    def on_log(self, args, state, control, logs=None, **kwargs):
        if not logs or "loss" not in logs:
            return
        now = time.time()
        throughput = (state.global_step - self.step) * self.batch_size / (now - self.moment)
        with open(METRICS_LOG, "a") as log:
            log.write(f"{state.global_step}|{logs['loss']}|{throughput:.2f}\n")
        self.step, self.moment = state.global_step, now


def accuracy(prediction):
    return {"accuracy": float((np.argmax(prediction.predictions, axis=1) == prediction.label_ids).mean())}


def main():
    dataset = load_dataset("imagefolder", data_dir=DATASET_DIR)
    names = dataset["train"].features["label"].names
    processor = AutoImageProcessor.from_pretrained(MODEL_DIR)
    model = AutoModelForImageClassification.from_pretrained(
        MODEL_DIR,
        num_labels=len(names),
        id2label=dict(enumerate(names)),
        label2id={name: index for index, name in enumerate(names)},
        ignore_mismatched_sizes=True,
    )

    def prepare(batch):
        pictures = [picture.convert("RGB") for picture in batch["image"]]
        return {"pixel_values": processor(pictures, return_tensors="pt")["pixel_values"], "labels": batch["label"]}

    def collate(examples):
        return {
            "pixel_values": torch.stack([example["pixel_values"] for example in examples]),
            "labels": torch.tensor([example["labels"] for example in examples]),
        }

    dataset = dataset.with_transform(prepare)
    batch_size = int(PARAMS.get("per_device_train_batch_size", "8"))
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=OUTPUT_DIR,
            evaluation_strategy="epoch",
            save_strategy="epoch",
            save_total_limit=3,
            learning_rate=float(PARAMS["lr"]),
            per_device_train_batch_size=batch_size,
            per_device_eval_batch_size=int(PARAMS.get("per_device_eval_batch_size", "8")),
            num_train_epochs=float(PARAMS.get("num_train_epochs", "3")),
            warmup_ratio=float(PARAMS.get("warmup_ratio", "0.1")),
            logging_steps=int(PARAMS.get("logging_steps", "2")),
            load_best_model_at_end=PARAMS.get("keep_best", "true").lower() == "true",
            metric_for_best_model="accuracy",
            remove_unused_columns=False,
            report_to="none",
        ),
        data_collator=collate,
        train_dataset=dataset["train"],
        eval_dataset=dataset["test"],
        tokenizer=processor,
        compute_metrics=accuracy,
        callbacks=[MetricsLog(batch_size)],
    )
    trainer.train()
    trainer.log_metrics("test", trainer.evaluate())
    trainer.save_model(OUTPUT_DIR)


if __name__ == "__main__":
    main()
