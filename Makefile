# SPDX-License-Identifier: Apache-2.0
#
# make run      installs what is missing, builds, and runs an example in the best Keep there is
# make run-steward   builds, and runs a certificate authority for Keeps
# make run-drawbridge   builds, and runs a repository for packages, with an OpenID provider from npm
# make demo     publishes, attests and deploys a web service with servers of its own, and shows what is refused
# make check    installs what the tests need, builds, runs all tests, closes with a count
#
# Everything else is for developers. The build itself is Meson's: see meson.build.

BUILD ?= build
JOBS ?= $(shell nproc)

.PHONY: all run run-steward run-drawbridge demo check check-asan check-long check-qemu reproducible bench bench-wasm bench-drawbridge bench-deploy coverage format format-check tidy clean \
	install packages packages-check

all: packages
	@tools/build $(BUILD)

run: all
	@tools/run-example $(BUILD)

# A Steward with an authority of its own and the example policy, on port 3000: docs/steward.md.
run-steward: all
	@$(BUILD)/src/steward/program/steward --host localhost --config examples/steward/steward.toml

# A Drawbridge with an OpenID provider, on port 8443: docs/drawbridge.md.
run-drawbridge: all
	@tools/packages drawbridge
	@tools/run-drawbridge $(BUILD)

# The whole way from publish to a service in a Keep, with servers of its own: docs/deploy.md.
demo: all
	@tools/packages drawbridge
	@tools/demo $(BUILD)

# With CI=true in the environment also: the format, a build with clang, unit tests under sanitizers.
check: packages-check
	@tools/$(if $(CI),ci,check $(BUILD))

# Unit and specification tests with AddressSanitizer and UndefinedBehaviorSanitizer.
check-asan: packages-check
	@tools/check-asan

# Crashes and fuzzing for MINUTES (30).
check-long: packages-check
	@tools/build $(BUILD)
	@tools/check-long $(BUILD) $(or $(MINUTES),30)

# The kvm tests inside QEMU, with an emulated AMD processor and Linux's own kvm_amd.
check-qemu: packages-check
	@tools/check-qemu $(BUILD)

# Builds twice, in different places, and compares.
reproducible: packages
	@tools/reproducible

bench: packages-check
	@tools/build $(BUILD)
	@bench/run $(BUILD)

# libwick beside native code and V8; docs/performance.md.
bench-wasm: packages-check
	@tools/packages bench-wasm
	@tools/build $(BUILD)
	@bench/wasm/run $(BUILD)

# drawbridge beside nginx; docs/drawbridge.md.
bench-drawbridge: packages-check
	@tools/packages bench-drawbridge
	@tools/build $(BUILD)
	@bench/drawbridge $(BUILD)

# A service in Keeps beside the same program natively, and the time of a deployment; docs/deploy.md.
bench-deploy: packages-check
	@tools/packages bench-drawbridge
	@tools/build $(BUILD)
	@bench/deploy $(BUILD)

coverage: packages-check
	@tools/coverage

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

format-check: packages-check
	@tools/format-check

tidy: packages-check
	@tools/build $(BUILD)
	@tools/tidy $(BUILD)

install: all
	@meson install -C $(BUILD)

packages:
	@tools/packages build

packages-check:
	@tools/packages build check

clean:
	rm -rf build build-*
