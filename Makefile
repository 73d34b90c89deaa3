# A thin shell over packaging/bootstrap.py, which does the same on systems without make.
PYTHON ?= python3
ARGS ?=
BOOTSTRAP := packaging/bootstrap.py

.DEFAULT_GOAL := help
.PHONY: help run test check backends screenshots bench installer-linux installer-windows installers clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' Makefile
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

installer-linux:  ## make the .deb and the .tar.xz in dist/
	@$(PYTHON) $(BOOTSTRAP) installer-linux

installer-windows:  ## make the Setup for Windows in dist/ (on Linux: needs root, builds under Wine)
	@$(PYTHON) $(BOOTSTRAP) installer-windows

installers:  ## make all of them, with checksums and a table of sizes
	@$(PYTHON) $(BOOTSTRAP) installers

clean:  ## remove everything that can be made again
	@$(PYTHON) $(BOOTSTRAP) clean
