# SPDX-License-Identifier: BSD-3-Clause
# description: what receiving costs, by loop: instructions and system calls (tests/bench/README.md)
# kernels: 7.x
# icount: 0
# runall: no
# mtu: 9000
# hugepages: 40
# bar: 0
# timeout: 1200

# With icount a virtual nanosecond is one instruction, so that CPU time is a count of instructions.
mib=32
repeats=3
loops="ours bare-lowat bare epoll64k single plain"

# run_loop LOOP MTU REPEAT: one line of JSON
run_loop()
{
	rxbench "$1" $NIC $NIC4 5000 >/tmp/run 2>/tmp/err &
	local pid=$!

	if ! wait_listen 5000 || ! peer txbench $NIC4 5000 "$mib"; then
		kill $pid
		wait $pid
		show /tmp/err
		die "$1 at MTU $2"
	fi
	wait $pid || {
		show /tmp/err
		die "$1 at MTU $2"
	}
	jq -c --argjson mtu "$2" --argjson repeat "$3" '. + {mtu: $mtu, repeat: $repeat}' /tmp/run >>$OUT/runs.json
}

snapshot start
for mtu in 9000 1500; do
	ip link set $NIC mtu "$mtu"
	peer ip link set $PEER mtu "$mtu"
	# the first one warms up, and is thrown away below
	run_loop ours "$mtu" 0
	for repeat in $(seq "$repeats"); do
		for loop in $loops; do
			run_loop "$loop" "$mtu" "$repeat"
		done
	done
done
ip link set $NIC mtu 9000
peer ip link set $PEER mtu 9000

# the library's own counts, compared with those of strace
strace -s 4 -e trace=accept,recvmsg,poll,setsockopt -o /tmp/trace rxbench ours $NIC $NIC4 5000 >/tmp/run &
wait_listen 5000 && peer txbench $NIC4 5000 8
wait $!
fd=$(sed -n 's/^accept(.*= //p' /tmp/trace)
equal "the library counts its receives right" "$(jq .calls.recv /tmp/run)" "$(grep -c "^recvmsg($fd," /tmp/trace)"
equal "its polls, too" "$(jq .calls.poll /tmp/run)" "$(grep -c "^poll(\[{fd=$fd," /tmp/trace)"
# strace has one more, which puts SO_RCVLOWAT back
equal "its returns and low-water marks, too" "$(jq '.calls | .["return"] + .lowat + 1' /tmp/run)" "$(grep -c "^setsockopt($fd," /tmp/trace)"
unchanged start "the NIC is as it was"

cat >/tmp/sum.jq <<'JQ'
def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def spread: (max - min) / ([median, 1] | max) * 100;
map(select(.repeat > 0)) | group_by([.mtu, .loop]) | map(
	(.[0].bytes / 1048576) as $mib | {
		mtu: .[0].mtu, loop: .[0].loop, runs: length, mib: $mib, region: .[0].region,
		device: (map(.bytes_device / .bytes) | median),
		# 10^9 instructions a GiB
		instr: (map(.cpu_ns / .bytes * 1073741824 / 1e9) | median),
		instr_spread_percent: (map(.cpu_ns) | spread),
		calls: (map(.calls.all) | median / $mib),
		recv: (map(.calls.recv) | median / $mib),
		poll: (map(.calls.poll) | median / $mib),
		"return": (map(.calls["return"]) | median / $mib),
		lowat: (map(.calls.lowat) | median / $mib),
		fragments: (map(.fragments) | median / $mib),
		ranges: (map(.ranges) | median / $mib),
		mib_per_s: (map($mib / .elapsed_ns * 1e9) | median),
		allocations: (map(.allocations) | max)
	})
| (map({key: "\(.mtu)/\(.loop)", value: .instr}) | from_entries) as $i | {
	loops: .,
	ratios: (map(.mtu) | unique | map(. as $m | {
		mtu: $m,
		ours_epoll64k: ($i["\($m)/ours"] / $i["\($m)/epoll64k"]),
		ours_bare_lowat: ($i["\($m)/ours"] / $i["\($m)/bare-lowat"]),
		ours_bare: ($i["\($m)/ours"] / $i["\($m)/bare"]),
		ours_plain: ($i["\($m)/ours"] / $i["\($m)/plain"])
	}))
}
JQ
jq -s -f /tmp/sum.jq $OUT/runs.json >$OUT/bench.json || die "the sums"

note "$mib MiB a run, medians of $repeats runs; instr: 10^9 instructions of the receiving thread a GiB, user and system;"
note "all else but speed a MiB; speed: MiB in a virtual second, sender and NIC included"
jq -r '["mtu", "loop", "instr", "+-%", "calls", "recv", "poll", "return", "lowat", "frags", "ranges", "speed"],
	(.loops | sort_by([-.mtu, .instr])[] | [.mtu, .loop, .instr, .instr_spread_percent, .calls, .recv, .poll, .return,
	.lowat, .fragments, .ranges, .mib_per_s]) | @tsv' $OUT/bench.json |
	awk -F'\t' 'NR == 1 { printf "# %5s %-11s %7s %5s %7s %7s %7s %7s %6s %7s %7s %7s\n", $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 }
		NR > 1 { printf "# %5d %-11s %7.3f %5.1f %7.2f %7.2f %7.2f %7.2f %6.3f %7.1f %7.1f %7.1f\n", $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 }'
jq -r '.ratios[] | "# MTU \(.mtu): instructions of ours, those of epoll64k = 1: \(.ours_epoll64k * 1000 | round / 1000), of bare-lowat: \(.ours_bare_lowat * 1000 | round / 1000), of bare: \(.ours_bare * 1000 | round / 1000), of plain: \(.ours_plain * 1000 | round / 1000)"' $OUT/bench.json

# counts repeat, unlike times, so they can be checked
check "no allocation while receiving" jq -e '[.loops[] | select(.loop == "ours") | .allocations] == [0, 0]' $OUT/bench.json
check "MTU 9000: at most 2.5 system calls a MiB" jq -e '.loops[] | select(.loop == "ours" and .mtu == 9000) | .calls <= 2.5' $OUT/bench.json
check "all loops but plain receive into device memory" jq -e '[.loops[] | select(.loop != "plain") | .device] | min > 0.99' $OUT/bench.json
