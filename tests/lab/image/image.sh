#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs inside the chroot: builds the project and packs an initramfs for each kernel:
# /build/out/{vmlinux,initramfs}-KERNEL.
# /src is the project (read-only), /modules has the finished kernel modules, all output goes to /build.
set -eu

# those of the kernel's own modules that init and the scenarios load
kernel_modules="virtio_blk veth sch_netem dummy tun"
tools="ip ss tc ethtool socat nc ping strace jq modprobe insmod rmmod lsmod modinfo
	bash cat chmod chown chrt cmp cp cut date dd df diff dmesg du env expr false find flock grep head hostname id kill
	ln ls md5sum mkdir mknod mkfifo mktemp more mount mv nproc od pgrep pkill printf ps readlink rm rmdir sed seq
	setpriv setsid sha256sum shuf sleep sort split stat stdbuf stty sync sysctl tail tar taskset tee timeout top touch
	tr true truncate tty umount uname uniq unshare nsenter wc xargs prlimit"

say()
{
	echo "  $*"
}

kernels()
{
	ls /lab/kernels
}

release_of()
{
	cat "/lab/kernels/$1"
}

build_project()
{
	if [ ! -e /src/meson.build ]; then
		say "no meson.build in the project: nothing but the modules in this image"
		return
	fi
	say "project"
	if [ -e /build/meson/build.ninja ]; then
		set -- ninja -C /build/meson
	else
		rm -rf /build/meson
		set -- sh -c 'meson setup --prefix=/usr --libdir=lib/x86_64-linux-gnu --buildtype=debugoptimized /build/meson /src && ninja -C /build/meson'
	fi
	"$@" >/build/project.log 2>&1 || {
		tail -n 60 /build/project.log >&2
		return 1
	}
	DESTDIR=/build/root meson install -C /build/meson --no-rebuild >/build/install.log 2>&1 || {
		tail -n 20 /build/install.log >&2
		return 1
	}
	rm -rf /build/root/usr/include /build/root/usr/share
	# programs that are built but not installed: examples, benchmarks, the scenarios' own
	mkdir -p /build/root/lab/bin
	for dir in examples tests/bench tests/live tests/lab/guest; do
		[ ! -d "/build/meson/$dir" ] ||
			find "/build/meson/$dir" -maxdepth 1 -type f -perm -u+x ! -name '*.so*' \
				-exec cp {} /build/root/lab/bin/ \;
	done
}

# the shared libraries that the programs in the image need, and the loader
copy_libraries()
{
	find /build/root -type f -perm -u+x | while read -r f; do
		LD_LIBRARY_PATH=/build/root/usr/lib/x86_64-linux-gnu ldd "$f" 2>/dev/null || :
	done | sed -n 's/.*\(=> \|\t\)\(\/[^ ]*\) (0x.*/\2/p' | sort -u | while read -r lib; do
		case $lib in
		/build/*) continue ;;
		esac
		mkdir -p "/build/root$(dirname "$lib")"
		cp -L "$lib" "/build/root$lib"
	done
}

make_root()
{
	rm -rf /build/root
	mkdir -p /build/root/usr/bin /build/root/usr/sbin /build/root/usr/lib /build/root/usr/lib64 /build/root/lab
	for d in bin sbin lib lib64; do
		ln -s "usr/$d" "/build/root/$d"
	done
	for d in dev proc sys run tmp etc root out mnt; do
		mkdir "/build/root/$d"
	done
	for t in $tools; do
		# not "command -v": some of these are builtins of the shell, too
		[ -e "/usr/bin/$t" ] && dir=/usr/bin || dir=/usr/sbin
		cp -L "$dir/$t" /build/root/usr/bin/
	done
	cp /usr/bin/mawk /build/root/usr/bin/awk
	ln -s bash /build/root/usr/bin/sh
	# busybox only for these two: as a shell, or below its xargs and timeout, it prefers its own "ip" to the real one
	cp /usr/bin/busybox /build/root/usr/bin/
	ln -s busybox /build/root/usr/bin/vi
	ln -s busybox /build/root/usr/bin/less
	build_project
	say "programs and libraries"
	gcc -static -O2 -Wall -o /build/root/lab/poweroff /src/tests/lab/image/poweroff.c
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >/build/root/etc/passwd
	printf 'root:x:0:\nnogroup:x:65534:\n' >/build/root/etc/group
	printf '127.0.0.1 localhost\n::1 localhost\n' >/build/root/etc/hosts
	copy_libraries
}

pack()
{
	k=$1
	release=$(release_of "$k")
	say "initramfs for $k ($release)"
	lib=/build/root/usr/lib/modules
	rm -rf "$lib"
	mkdir -p "$lib/$release/lab"
	cp "/lib/modules/$release/modules.builtin" "/lib/modules/$release/modules.order" "$lib/$release/"
	for m in $kernel_modules; do
		modprobe -S "$release" --show-depends "$m"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u | while read -r ko; do
		mkdir -p "/build/root/usr${ko%/*}"
		case $ko in
		*.xz) xz -dc "$ko" >"/build/root/usr${ko%.xz}" ;;
		*) cp "$ko" "/build/root/usr$ko" ;;
		esac
	done
	if [ -d "/modules/$k" ]; then
		cp "/modules/$k"/*.ko "$lib/$release/lab/"
	fi
	depmod -b /build/root "$release"
	(cd /build/root && find . -print0 | sort -z | cpio --quiet -0 -o -H newc -R 0:0) >"/build/out/initramfs-$k"
	# a compressed kernel needs seconds to unpack itself when emulated: boot the ELF file in it (PVH)
	image=/boot/vmlinuz-$release
	[ -e "$image" ] || image=/lib/modules/$release/vmlinuz
	/src/tests/lab/image/extract-vmlinux.py "$image" "/build/out/vmlinux-$k"
}

mkdir -p /build/out
make_root
for k in $(kernels); do
	pack "$k"
done
