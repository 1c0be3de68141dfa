#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs inside the new chroot, once: installs the kernels, their headers and the emulator from the suites.
# The versions are those that the suites' meta packages name today; /lab/kernels/NAME has each kernel's release.
# usage: chroot.sh NAME=SUITE...
set -eu

# headers pull in a kernel image, whose scripts would spend ten seconds on an initrd that nobody boots
export DEBIAN_FRONTEND=noninteractive INITRD=No
backports=trixie-backports

# the package that META depends on in SUITE: "linux-image-6.12.1+deb13-cloud-amd64"
resolve()
{
	meta=$1
	suite=$2
	version=$(apt-cache madison "$meta" | awk -v s="$suite/main" \
		'index($0, " " s " ") { gsub(/ /, "", $0); split($0, f, "|"); print f[2]; exit }')
	if [ -z "$version" ]; then
		echo "chroot.sh: no $meta in $suite" >&2
		return 1
	fi
	apt-cache show "$meta=$version" |
		sed -n 's/^Depends: *\(.*, *\)\{0,1\}\(linux-[a-z]*-[0-9][^ ,]*\).*/\2/p' | head -n 1
}

mkdir -p /lab/kernels /lab/debs
headers=
for spec; do
	name=${spec%%=*}
	suite=${spec#*=}
	image=$(resolve linux-image-cloud-amd64 "$suite")
	headers="$headers $(resolve linux-headers-cloud-amd64 "$suite")"
	echo "kernel $name is $image ($suite)"
	release=${image#linux-image-}
	# newer kernels keep the binary and the modules in packages of their own
	parts=$(apt-cache show "$image" | sed -n 's/^Depends: //p' | tr ',' '\n' |
		sed -n "s/^ *\(linux-[a-z]*-$release\)\( .*\)*$/\1/p")
	# unpacked, not installed: enough for the lab, and no boot loader scripts are run
	# shellcheck disable=SC2086 # a list of packages
	(cd /lab/debs && apt-get -qq -o APT::Sandbox::User=root download "$image" $parts)
	for deb in /lab/debs/*.deb; do
		dpkg -x "$deb" /
		rm "$deb"
	done
	depmod "$release"
	printf '%s\n' "$release" >"/lab/kernels/$name"
done
# shellcheck disable=SC2086 # a list of packages
apt-get -qq -y --no-install-recommends -t "$backports" install qemu-system-x86 $headers
rm -rf /lab/debs
dpkg-query -W -f '${Package} ${Version}\n' | sort >/lab/packages
