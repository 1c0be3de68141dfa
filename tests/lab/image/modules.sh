#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs inside the chroot: builds the lab's kernel modules for every kernel: /build/modules/KERNEL/*.ko.
# /src is the project (read-only), all output goes to /build.
set -eu

for k in $(ls /lab/kernels); do
	release=$(cat "/lab/kernels/$k")
	log=/build/modules-$k.log
	echo "  modules for $k ($release)"
	mkdir -p "/build/modules/$k"
	rm -rf /build/m
	cp -r /src/tests/lab/modules /build/m
	make -s -j "$(nproc)" -C /build/m KDIR="/lib/modules/$release/build" >"$log" 2>&1 || {
		cat "$log" >&2
		exit 1
	}
	if grep -q 'warning:' "$log"; then
		cat "$log" >&2
		echo "modules.sh: the modules must build without a warning on $k" >&2
		exit 1
	fi
	for ko in /build/m/*.ko; do
		strip --strip-debug "$ko"
		cp "$ko" "/build/modules/$k/"
	done
	rm -rf /build/m
done
