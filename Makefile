# `make help` says what there is.
PREFIX ?= /usr
DESTDIR ?=

# An installed Bun serves when it is not older than the one that package.json pins; else npm brings that one.
pinned := $(shell sed -n 's/.*"bun": "\(.*\)".*/\1/p' package.json)
ifndef BUN
BUN := $(shell [ "$$(printf '%s\n' $(pinned) "$$(bun --version 2>/dev/null || echo 0)" | sort -V | head -n 1)" = $(pinned) ] \
	&& command -v bun || echo node_modules/.bin/bun)
endif

modules := node_modules/.package-lock.json
sources := $(shell find src -name '*.ts' ! -name '*.test.ts') package.json \
	$(addprefix scripts/,build.ts compile.ts places.ts runtime.ts version.ts)
# The program tells which commit it is of.
commits := $(wildcard $(shell git rev-parse --git-path logs/HEAD 2>/dev/null))
# Where zsh looks for completions, below share/zsh: Debian's looks elsewhere than the others.
ZSH ?= $(if $(wildcard /etc/debian_version),vendor-completions,site-functions)
tarball := dist/bluechi-$(shell sed -n 's/^  "version": "\(.*\)",/\1/p' package.json).tar.gz
# What packages call the kind of machine.
rpmarch := $(or $(if $(TARGET),$(if $(findstring arm64,$(TARGET)),aarch64,x86_64)),$(shell uname -m))
debarch := $(if $(filter aarch64,$(rpmarch)),arm64,amd64)
# For another kind of machine the program has a place of its own, so that it is never taken for this machine's.
program := dist/$(if $(TARGET),$(TARGET)/)bluechi
made := dist/config dist/interfaces dist/policy dist/man
# Tests run on hosts with this machine's systemd, or with that of another Debian: SYSTEMD=257.
hosts := /sbin/init /lib/systemd/system/dbus.service /lib/systemd/system/polkit.service /usr/bin/python3 /usr/bin/curl \
	systemd-nspawn nsenter ip nft tc $(if $(SYSTEMD),debootstrap)

clients := openssl mandoc man zsh fish dbus-daemon dbus-monitor gdbus pgrep /usr/lib/systemd/user/dbus.socket \
	/usr/lib/python3/dist-packages/dbus /usr/lib/python3/dist-packages/dasbus /usr/lib/python3/dist-packages/gi
packagers := git rpmbuild dpkg-deb qemu-aarch64-static /usr/aarch64-linux-gnu/lib/libc.so.6

help: ## say what there is
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 12

build: $(program) $(made) ## make dist/bluechi (TARGET=bun-linux-arm64: dist/bun-linux-arm64/bluechi)

demo: build ## show two machines run as one (SECURE=1: with certificates; KEEP=1 leaves them running)
	scripts/prepare.sh $(hosts)
	$(BUN) test/demo/main.ts

test: build ## run every check and test
	scripts/prepare.sh $(packagers) $(hosts) $(clients)
	$(BUN) scripts/test.ts

test-unit: $(modules) ## run the tests that need no hosts
	scripts/prepare.sh git $(clients)
	$(BUN) scripts/test.ts unit whole

test-e2e: build ## run the tests on real systemd hosts (SYSTEMD=257: on Debian 13's)
	scripts/prepare.sh $(packagers) $(hosts) $(clients)
	$(BUN) scripts/test.ts e2e

test-packages: $(modules) ## make the packages, judge them, and try them on real hosts
	scripts/prepare.sh $(packagers) $(hosts) rpmlint lintian
	rm -rf dist/rpm dist/deb
	for target in bun-linux-x64 bun-linux-arm64; do \
		$(MAKE) rpm deb TARGET=$$target PAYLOAD=w1.zstdio COMPRESSION='-Zgzip -z1' || exit 1; done
	$(BUN) scripts/test.ts packages

test-chaos: build ## make trouble of every kind on real hosts for up to 5 minutes (SEED= repeats it)
	scripts/prepare.sh $(hosts)
	SEED=$(or $(SEED),$(shell date +%s)) ROUNDS=$(or $(ROUNDS),4) DURATION=$(or $(DURATION),40) $(BUN) scripts/test.ts chaos

bench: build ## measure speed and memory on real hosts (ONLY=jobs,memory OUT=file.json SCALE=0.1)
	scripts/prepare.sh $(hosts) dbus-daemon ssh sshd
	$(BUN) test/bench/main.ts

bench-check: build ## fail when something has become 30 % slower or larger, in comparison, than docs/bench.json has it
	scripts/prepare.sh $(hosts) ssh sshd
	$(BUN) test/bench/main.ts check

soak: build ## see for 10 minutes of much work whether the daemons stay small (DURATION=60 takes a minute)
	scripts/prepare.sh $(hosts)
	ONLY=soak DURATION=$(DURATION) $(BUN) test/bench/main.ts

lint: $(modules) ## check types, style and dead code
	$(BUN) scripts/test.ts types lint

dist: $(modules) ## make the source tarball of this commit (VENDOR=1 with all that a build without network needs)
	TARGET=$(TARGET) $(BUN) scripts/dist.ts $(tarball)

rpm: $(modules) ## make the RPM package of this commit (TARGET=bun-linux-arm64 for aarch64)
	scripts/prepare.sh git rpmbuild
	VENDOR=1 TARGET=$(TARGET) $(BUN) scripts/dist.ts $(tarball)
	rm -rf dist/rpm/$(rpmarch) dist/rpmbuild
	rpmbuild -tb --quiet --target $(rpmarch)-linux --define '_rpmdir $(CURDIR)/dist/rpm' \
		--define '_topdir $(CURDIR)/dist/rpmbuild' $(if $(PAYLOAD),--define 'payload $(PAYLOAD)') \
		$(if $(wildcard /etc/debian_version),--nodeps) $(tarball)
	rm -rf dist/rpmbuild

deb: $(modules) ## make the Debian package of this commit (TARGET=bun-linux-arm64 for arm64)
	scripts/prepare.sh git dpkg-deb
	VENDOR=1 TARGET=$(TARGET) $(BUN) scripts/dist.ts $(tarball)
	rm -rf dist/deb/*_$(debarch).deb dist/debbuild
	mkdir -p dist/debbuild
	tar -xf $(tarball) -C dist/debbuild --strip-components=1
	COMPRESSION='$(COMPRESSION)' $(BUN) dist/debbuild/scripts/deb.ts dist/deb $(debarch) $(TARGET)
	rm -rf dist/debbuild

release: $(modules) ## make all that is released of this commit, with checksums and a list of what it is made of
	scripts/prepare.sh git rpmbuild dpkg-deb
	$(BUN) scripts/release.ts dist/release

install: build ## lay everything out under DESTDIR
	./packaging/install.sh $(program) "$(DESTDIR)" "$(PREFIX)" "$(ZSH)"

clean: ## remove what was built
	rm -rf dist

$(modules): package-lock.json
	scripts/prepare.sh npm
	npm ci
	@touch $@

$(program): $(modules) $(sources) $(commits)
	$(BUN) scripts/build.ts $@ $(TARGET)

dist/config: $(modules) scripts/config.ts scripts/settings-help.ts $(sources)
	$(BUN) scripts/config.ts $@
	@touch $@

dist/interfaces: $(modules) scripts/interfaces.ts $(sources)
	$(BUN) scripts/interfaces.ts $@
	@touch $@

dist/policy: $(modules) scripts/policy.ts $(sources)
	$(BUN) scripts/policy.ts $@
	@touch $@

dist/man: $(modules) scripts/manual.ts scripts/mdoc.ts scripts/settings-help.ts $(wildcard docs/man/*) $(sources)
	rm -rf $@
	$(BUN) scripts/manual.ts $@
	@touch $@

.PHONY: help build demo test test-unit test-e2e test-packages test-chaos bench bench-check soak lint dist rpm deb release install clean
.DELETE_ON_ERROR:
