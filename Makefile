# `make` alone lists what there is. On Windows, use the plain lines of README.md.
SHELL := /bin/sh
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
ROOT_FLAG := $(shell [ "$$(id -u)" = 0 ] && echo --allow-root)

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-15s %s\n", $$1, $$2 }' Makefile

lab: .venv/installed ## open JupyterLab on the first lesson
	$(BIN)/jupyter lab $(ROOT_FLAG) --LabApp.default_url=/lab/tree/$(firstword $(sort $(wildcard notebooks/*.ipynb)))

test: .venv/installed ## run the tests, every notebook included; the end says what was left out
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m pytest

lesson: .venv/installed ## run one lesson without a browser: make lesson N=04
	@ls notebooks/$(N)_*.ipynb >/dev/null 2>&1 || { echo "Name a lesson: make lesson N=04"; ls notebooks; exit 1; }
	@mkdir -p build
	$(BIN)/jupyter nbconvert --log-level=WARN --to notebook --execute --ExecutePreprocessor.timeout=1800 \
		--output-dir build notebooks/$(N)_*.ipynb
	$(BIN)/jupyter nbconvert --log-level=WARN --to html build/$(N)_*.ipynb
	@ls build/$(N)_*.ipynb build/$(N)_*.html

doctor: .venv/installed ## say what the course sees on this machine
	$(BIN)/python -m helpers

format: .venv/installed ## repair the layout of code and notebooks
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

clean-outputs: .venv/installed ## remove the stored outputs of all lessons
	$(BIN)/jupyter nbconvert --clear-output --inplace notebooks/*.ipynb

site: .venv/site ## build the website into build/site
	@rm -rf build/site
	@$(BIN)/python -m sphinx -E -W --keep-going -q -d build/doctrees site build/site
	@echo "The site is in build/site; open build/site/index.html"

# main holds the placeholder OWNER; the workflow "site" runs this for the website and for the branch colab.
BRANCH := main
links: ## name the repository in badges, first cells and pages: make links REPO=owner/name
	@echo "$(REPO)" | grep -qE '^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$$' || { echo "Name a repository: make links REPO=owner/name"; exit 1; }
	@old=$$(sed -n 's|^Repository = "https://github.com/\(.*\)"|\1|p' pyproject.toml); \
	page() { echo "$${1%/*}.github.io/$${1#*/}"; }; \
	for file in $$(git grep -lF -e "$$old" -e "$$(page $$old)"); do \
		sed -i.old -e "s|$$old/blob/main/notebooks|$(REPO)/blob/$(BRANCH)/notebooks|g" \
			-e "s|$$old|$(REPO)|g" -e "s|$$(page $$old)|$$(page $(REPO))|g" "$$file" && rm "$$file.old"; \
	done; \
	echo "$$old -> $(REPO)"

.venv/installed: requirements.txt constraints.txt pyproject.toml
	@for python in python3.13 python3.12 python3.11 python3 python; do \
		if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
			echo "Setting up .venv with $$($$python --version) (once, a few minutes) ..."; \
			$(BIN)/python -c "import pip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" 2>/dev/null || \
			$$python -m venv --clear .venv || { rm -rf .venv; exit 1; }; \
			exit 0; \
		fi; \
	done; \
	echo "No Python that serves was found: the course needs Python 3.11, 3.12 or 3.13 (python.org)."; exit 1
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	@# no question about news before the first lesson; only in this .venv
	@$(BIN)/jupyter labextension disable --level=sys_prefix "@jupyterlab/apputils-extension:announcements" 2>/dev/null
	@touch .venv/installed

.venv/site: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[site]" -c constraints.txt
	@touch .venv/site

.PHONY: help lab test lesson doctor format clean-outputs site links
