# The server, without a model: `docker compose up` (compose.yaml), or docs/serving.md.
# Versions are those of requirements.lock, which was made for Python 3.11. To pin the base by its content, too:
#   docker build --build-arg PYTHON=python:3.11.13-slim-bookworm@sha256:... .
ARG PYTHON=python:3.11.13-slim-bookworm

FROM ${PYTHON} AS build
# torch without CUDA; for a GPU: --build-arg TORCH=https://download.pytorch.org/whl/cu126
ARG TORCH=https://download.pytorch.org/whl/cpu
RUN python -m venv /opt/tripel
ENV PATH=/opt/tripel/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
COPY requirements.lock ./
RUN pip install --constraint requirements.lock --index-url ${TORCH} --extra-index-url https://pypi.org/simple torch
COPY pyproject.toml README.md LICENSE ./
COPY data/sample data/sample
COPY src src
RUN pip install --constraint requirements.lock ".[serve,postgres]"

FROM ${PYTHON}
RUN groupadd --gid 10001 tripel \
    && useradd --uid 10001 --gid tripel --no-create-home --home-dir /annotations --shell /usr/sbin/nologin tripel \
    && install --directory --owner tripel --group tripel --mode 0700 /annotations
COPY --from=build /opt/tripel /opt/tripel
ENV PATH=/opt/tripel/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1 WANDB_MODE=offline
USER 10001:10001
VOLUME /annotations
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["tripel", "serve", "/model", "--folder", "/annotations", "--host", "0.0.0.0", "--port", "8000"]
