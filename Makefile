# A thin shell over packaging/bootstrap.py, which does the same on systems without make.
PYTHON ?= python3
ARGS ?=
BOOTSTRAP := packaging/bootstrap.py

.DEFAULT_GOAL := help
.PHONY: help run test check backends screenshots bench clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile
	@echo 'ARGS="..." is passed on, as in: make test ARGS="-k chat"; PYTHON=python3.12 names the Python to use.'

run:  ## set Hearth up and open it (without a display: hearth demo)
	@$(PYTHON) $(BOOTSTRAP) run $(ARGS)

test:  ## run the tests
	@$(PYTHON) $(BOOTSTRAP) test $(ARGS)

check:  ## check format, lint, types, imports and sizes
	@$(PYTHON) $(BOOTSTRAP) check

backends:  ## compile llama.cpp's modules: rpc and vulkan, or those that ARGS names, such as ARGS=cuda
	@$(PYTHON) $(BOOTSTRAP) backends $(ARGS)

screenshots:  ## draw every page, light and dark, into screenshots/
	@$(PYTHON) $(BOOTSTRAP) screenshots

bench:  ## measure this machine
	@$(PYTHON) $(BOOTSTRAP) bench $(ARGS)

clean:  ## remove everything that can be made again
	@$(PYTHON) $(BOOTSTRAP) clean
