# Every door of the house: each is one script, and each first makes sure that .venv is as requirements.lock says.
.PHONY: train test check install lock

train: install
	@.venv/bin/python src/train.py configs/sample.yaml

test: install
	@scripts/test

check: install
	@scripts/check

install:
	@scripts/install

lock:
	@scripts/lock
