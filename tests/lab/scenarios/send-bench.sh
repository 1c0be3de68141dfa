# SPDX-License-Identifier: BSD-3-Clause
# description: what sending costs, by loop: system calls and speed (tests/bench/README.md)
# kernels: 7.x
# icount: 0
# runall: no
# mtu: 9000
# hugepages: 40
# bar: 0
# timeout: 1200

# With icount a virtual nanosecond is one instruction, so that speeds repeat.
mib=32
repeats=3
loops="ours bare plain"

# run_loop LOOP KIB MTU REPEAT: one line of JSON
run_loop()
{
	peer rxbench plain $PEER $PEER4 5000 >/tmp/sink 2>/tmp/err &
	local pid=$!

	if ! wait_for 20 peer_listens || ! sendbench -c "$2" -m $mib -s 16 "$1" $NIC $PEER4 5000 >/tmp/run; then
		kill $pid
		wait $pid
		show /tmp/err
		die "$1, sends of $2 KiB at MTU $3"
	fi
	wait $pid
	[ "$(jq .bytes /tmp/sink)" -eq $((mib << 20)) ] || die "$1, sends of $2 KiB at MTU $3: bytes are missing"
	jq -c --argjson mtu "$3" --argjson repeat "$4" '. + {mtu: $mtu, repeat: $repeat}' /tmp/run >>$OUT/runs.json
}

peer_listens()
{
	[ -n "$(peer ss -Hltn "sport = :5000")" ]
}

for mtu in 9000 1500; do
	ip link set $NIC mtu "$mtu"
	peer ip link set $PEER mtu "$mtu"
	for kib in 64 4096; do
		# the first one warms up, and is thrown away below
		run_loop ours $kib "$mtu" 0
		for repeat in $(seq $repeats); do
			for loop in $loops; do
				run_loop "$loop" $kib "$mtu" "$repeat"
			done
		done
	done
done

# the library's own counts, compared with those of strace
peer rxbench plain $PEER $PEER4 5000 >/tmp/sink &
wait_for 20 peer_listens
strace -s 4 -e trace=connect,sendmsg,recvmsg,poll -o /tmp/trace sendbench -m 8 -s 4 ours $NIC $PEER4 5000 >/tmp/run
wait $!
fd=$(sed -n 's/^connect(\([0-9]*\), {sa_family=AF_INET.*/\1/p' /tmp/trace | tail -n 1)
# strace has one more, the probe
equal "the library counts its sends right" "$(($(jq .calls.send /tmp/run) + 1))" "$(grep -c "^sendmsg($fd," /tmp/trace)"
equal "its reads of the error queue, too" "$(jq .calls.reap /tmp/run)" "$(grep -c "^recvmsg($fd," /tmp/trace)"
equal "its polls, too" "$(jq .calls.poll /tmp/run)" "$(grep -c "^poll(\[{fd=$fd," /tmp/trace)"

cat >/tmp/sum.jq <<'JQ'
def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def spread: (max - min) / median * 100;
map(select(.repeat > 0)) | group_by([.mtu, .chunk, .loop]) | map(
	(.[0].bytes / 1048576) as $mib | {
		mtu: .[0].mtu, kib: (.[0].chunk / 1024), loop: .[0].loop, runs: length, mib: $mib, region: .[0].region,
		calls: (map(.calls.all) | median / $mib),
		send: (map(.calls.send) | median / $mib),
		reap: (map(.calls.reap) | median / $mib),
		poll: (map(.calls.poll) | median / $mib),
		completions: (map(.completions) | median / $mib),
		copied: (map(.copied) | max),
		mib_per_s: (map($mib / .elapsed_ns * 1e9) | median),
		speed_spread_percent: (map(.elapsed_ns) | spread),
		allocations: (map(.allocations) | max)
	})
| . as $loops | {
	loops: .,
	ratios: (group_by([.mtu, .kib]) | map((map({key: .loop, value: .}) | from_entries) as $l | {
		mtu: .[0].mtu, kib: .[0].kib,
		speed_bare: ($l.ours.mib_per_s / $l.bare.mib_per_s), speed_plain: ($l.ours.mib_per_s / $l.plain.mib_per_s)
	}))
}
JQ
jq -s -f /tmp/sum.jq $OUT/runs.json >$OUT/bench.json || die "the sums"

note "$mib MiB a run, medians of $repeats runs; calls and completions a MiB; speed: MiB in a virtual second, receiver and NIC"
note "included"
jq -r '["mtu", "KiB", "loop", "calls", "send", "reap", "poll", "compl", "speed", "+-%"],
	(.loops | sort_by([-.mtu, .kib, -.mib_per_s])[] | [.mtu, .kib, .loop, .calls, .send, .reap, .poll, .completions,
	.mib_per_s, .speed_spread_percent]) | @tsv' $OUT/bench.json |
	awk -F'\t' 'NR == 1 { printf "# %5s %5s %-6s %7s %7s %7s %7s %7s %7s %5s\n", $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 }
		NR > 1 { printf "# %5d %5d %-6s %7.2f %7.2f %7.2f %7.2f %7.2f %7.1f %5.1f\n", $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 }'
jq -r '.ratios[] | "# MTU \(.mtu), sends of \(.kib) KiB: speed of ours, that of bare = 1: \(.speed_bare * 1000 | round / 1000), of plain: \(.speed_plain * 1000 | round / 1000)"' $OUT/bench.json

# counts repeat, unlike times, so they can be checked
check "no allocation while sending" jq -e '[.loops[] | select(.loop == "ours") | .allocations] | max == 0' $OUT/bench.json
check "nothing was copied" jq -e '[.loops[] | .copied] | max == 0' $OUT/bench.json
check "64 KiB: one sendmsg a send, and at most 3 more system calls a MiB" \
	jq -e '[.loops[] | select(.loop == "ours" and .kib == 64) | .send == 16 and .calls <= 19] | all' $OUT/bench.json
check "4 MiB: at most 1.5 system calls a MiB" jq -e '[.loops[] | select(.loop == "ours" and .kib == 4096) | .calls <= 1.5] | all' $OUT/bench.json
