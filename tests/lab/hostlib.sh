# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# The functions of NAME.host.sh, which runs on the host when the VM has ended, with
#   LAB_BAR, LAB_BAR_SIZE   the file behind the device memory, and its size in bytes
#   LAB_BAR2                the same for the second device's (key "bars: 2"), of the same size
#   LAB_OUT                 the directory with what the guest put into /out
#   LAB_PAYLOAD             the file with the bytes that "payload" prints in the guest (key "payload:")
#   LAB_KERNEL              6.12 or 7.x
# for this script alone, not for those it calls
unset BASH_ENV
lab_passed=0
lab_failed=0

check()
{
	local what=$1 output

	shift
	if output=$("$@" 2>&1); then
		echo "ok - host: $what"
		lab_passed=$((lab_passed + 1))
		return 0
	fi
	echo "not ok - host: $what"
	echo "# failed: $*"
	[ -z "$output" ] || echo "$output" | tail -n 20 | sed 's/^/#   /'
	lab_failed=$((lab_failed + 1))
	return 1
}

equal()
{
	check "$1" test "$2" = "$3" || echo "# got $2, want $3"
}

# bar_stream MAP [BASE [FILE]]: the bytes of the device memory (FILE, default $LAB_BAR) at the "OFFSET LENGTH" lines of MAP, offsets
# counted from BASE
bar_stream()
{
	python3 - "${3:-$LAB_BAR}" "$1" "${2:-0}" <<-'PYTHON'
	import sys

	bar, ranges, base = sys.argv[1], sys.argv[2], int(sys.argv[3], 0)
	with open(bar, "rb") as f, open(ranges) as lines:
	    for line in lines:
	        offset, length = (int(word, 0) for word in line.split()[:2])
	        f.seek(base + offset)
	        data = f.read(length)
	        if len(data) != length:
	            sys.exit(f"{line.strip()}: beyond the end of {bar}")
	        sys.stdout.buffer.write(data)
	PYTHON
}

lab_host_end()
{
	local status=$?

	if [ $status -ne 0 ] && [ $lab_failed -eq 0 ]; then
		echo "not ok - host: the script ended with status $status"
		exit 1
	fi
	if [ $((lab_passed + lab_failed)) -eq 0 ]; then
		echo "not ok - host: the script checked nothing"
		exit 1
	fi
	echo "lab: $lab_passed host checks passed, $lab_failed failed"
	[ $lab_failed -eq 0 ]
	exit $?
}

trap lab_host_end EXIT
