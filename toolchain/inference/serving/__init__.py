"""What runs inside the sandbox of an inference service: an HTTP server on a unix socket, and a worker process that holds the model.

The folder is mounted read-only at `/gallery/serving`, `PYTHONPATH` is `/gallery`, and the modules import each other relatively, so that the
package has one shape in both places. Everything but the engine's worker needs the standard library alone: the packages are those that a
model asks for, of any version. Nothing of the portal is imported.

Programs: `python -m serving.custom --socket PATH` for `gallery_inference/inference.py` of the model at `ENV_AG_MODEL_DIR`, and
`python -m serving.transformers_engine --socket PATH --model FOLDER --name NAME`. `--help` lists the rest.

What passes between the gateway and these servers:

| Request header | Means |
| --- | --- |
| `X-Request-ID` | comes back in the answer |
| `X-AG-Timeout` | seconds that the caller still waits; counts where it is less than the service's own limit |
| `Accept` | `text/event-stream`: pieces as events; `application/json` alone: files and pieces in JSON |

| Answer header | Means |
| --- | --- |
| `X-AG-Error` | code of an error; the body is `{"error": {"message", "type", "param", "code"}}` |
| `Retry-After` | seconds, with 429 and 503 |
| `X-AG-Queue-Seconds`, `X-AG-Seconds` | time until the request's turn; time in the model |
| `X-AG-Prompt-Tokens`, `X-AG-Completion-Tokens` | counts of a whole answer; a streamed one has the first only |

A streamed text ends with the comment line `: usage {"prompt_tokens", "completion_tokens", "total_tokens"}`, which clients skip, and
`data: [DONE]`. Closing the connection cancels: what waits is dropped, generators and texts are stopped, a plain call runs on for nobody.

`GET /health` is 200 with `{"status": "ready"}`, else 503 with `status` `starting`, `restarting`, `failed` or `stopping`, and `code` and
`message` of the last failure. The same JSON lies in the file `PATH.json`, also when the program is over. After `failed` it ends with exit
code 3. `GET /metrics` counts, `GET /metadata` describes the model. SIGTERM lets requests end, a second one does not.

Refusals and errors: 429 `queue_full`; 503 `starting`, `restarting`, `queue_timeout`, `stopping` and the codes of a failed start; 504 `timeout`;
500 `model_error`, `out_of_memory`, `worker_crashed`, `worker_killed`, `result_invalid`; 413 `body_too_large`; 400 and 415 for bodies.
"""
