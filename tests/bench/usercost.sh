#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# usage: usercost.sh PATH-OF-USERCOST [FRAGMENTS]
# Instructions in user space for each fragment, by loop, counted by callgrind without those of the fake kernel:
# the difference of a long and a short run, so that set-up cancels out. Exact: repeats agree to the last digit.
set -eu

usercost=$1
fragments=${2:-400}
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT

# count LOOP RECEIVES [OPTION]: instructions
count()
{
	loop=$1 receives=$2
	shift 2
	valgrind --tool=callgrind --callgrind-out-file="$temp/out" "$@" "$usercost" "$loop" "$receives" "$fragments" \
		>"$temp/log" 2>&1 || {
		cat "$temp/log" >&2
		exit 1
	}
	sed -n 's/.*Collected *: //p' "$temp/log"
}

echo "instructions in user space for a fragment, $fragments fragments a receive"
for loop in ours bare-lowat single; do
	all=$(($(count $loop 300) - $(count $loop 100)))
	kernel=$(($(count $loop 300 --toggle-collect='__wrap_*') - $(count $loop 100 --toggle-collect='__wrap_*')))
	echo "$loop $((all - kernel)) $((200 * fragments))" | awk '{ printf "%-11s %6.1f\n", $1, $2 / $3 }'
done
