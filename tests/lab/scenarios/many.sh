# SPDX-License-Identifier: BSD-3-Clause
# description: two queues with one region, two regions at once, several streams on one thread
# set: core 7.x
# bar: 64M
# timeout: 150

# four ports, four files: run NAME ARGS...
run()
{
	local name="$1" port pids=

	shift
	spawn $name /lab/bin/many $NIC "$@"
	check "$name: set up" wait_text $OUT/$name.out ready
	for port in 5000 5001; do
		peer socat -u OPEN:/tmp/sent.$port TCP4:$NIC4:$port &
		pids="$pids $!"
	done
	wait $pids
	finish $name 60
	equal "$name: ends well" $? 0
	show $OUT/$name.err
	equal "$name: first stream" "$(sha256 $OUT/stream.0)" "$(sha256 /tmp/sent.5000)"
	equal "$name: second stream" "$(sha256 $OUT/stream.1)" "$(sha256 /tmp/sent.5001)"
	sed -n '2,$p' $OUT/$name.out
	rm -f $OUT/stream.*
}

snapshot start
random_file /tmp/sent.5000 6M
random_file /tmp/sent.5001 6M
run two_queues one udmabuf:huge=no 16777216 2:5000 3:5001
check "both in device memory" awk '/^[0-9]/ && $4 < 6000000 { exit 1 }' $OUT/two_queues.out
run one_queue one udmabuf:huge=no 16777216 3:5000 3:5001
run two_regions each heap:dmbar0 16777216 2:5000 3:5001
check "both in device memory" awk '/^[0-9]/ && $4 < 6000000 { exit 1 }' $OUT/two_regions.out
check "of two bindings" test "$(awk '/^[0-9]/ { print $3 }' $OUT/two_regions.out | sort -u | wc -l)" -eq 2
unchanged start "the NIC is as it was"
