# SPDX-License-Identifier: BSD-3-Clause
# description: devmemctl send to devmemctl recv, from the memory of one device into that of another, which the host finds in both backing files; files, pipes, signals, bind tx
# kernels: 7.x
# bars: 2
# bar: 64M
# payload: 8M
# timeout: 150

# start_send NAME OPTION...: devmemctl sends in the background
start_send()
{
	spawn "$1" devmemctl send $NIC --sha256 --require-device -j "${@:2}"
}

# sent NAME FILE WHAT: passes when job NAME ended well, read the bytes of FILE, and all its sends completed
sent()
{
	finish "$1" 60
	equal "$3: ends well" $? 0
	show "$OUT/$1.err"
	equal "$3: from the region" "$(field "$1" mode)" device
	equal "$3: what it read" "$(field "$1" sha256)" "$(sha256 "$2")"
	check "$3: everything is complete" jq -e --argjson size "$(stat -c %s "$2")" '.bytes == $size and .bytes_complete == $size and
		(.tx | .bytes_device == $size and .sends_completed == .sends and .in_flight_bytes == 0 and .sends_copied == 0)' \
		"$OUT/$1.out"
}

free()
{
	[ -z "$(bar_regions dmbar0)" ]
}

snapshot start

# --- through a region much smaller than the stream, in pieces that are aligned to nothing
random_file /tmp/sent 3000001
start_sink 0 $PEER4
start_send small --connect $PEER4:5000 --region heap:dmbar0 --size 64K --chunk 9999 --input /tmp/sent
sent small /tmp/sent "a small region"
finish sink0 20
check "a small region: every byte" cmp /tmp/sent /tmp/got.0
# from a pipe, over IPv6
start_sink 0 $PEER6
devmemctl send $NIC --connect "[$PEER6]:5000" --region heap:dmbar0 --size 1M --sha256 -j </tmp/sent >$OUT/stdin.out 2>$OUT/stdin.err
equal "standard input, IPv6: ends well" $? 0
finish sink0 20
check "standard input, IPv6: every byte" cmp /tmp/sent /tmp/got.0
start_sink 0 $PEER4
# shellcheck disable=SC2002 # a pipe, not a file
cat /tmp/sent | devmemctl send $NIC --connect $PEER4:5000 -j >$OUT/pipe.out 2>$OUT/pipe.err
finish sink0 20
check "a pipe, a region of the default kind: every byte" cmp /tmp/sent /tmp/got.0
equal "a pipe: from the region" "$(field pipe mode)" device
# the peer connects
start_send listen --listen $NIC4:6000 --region udmabuf:huge=no --size 4M --input /tmp/sent
wait_listen 6000
check "the peer receives it" peer socat -u TCP4:$NIC4:6000 OPEN:/tmp/got,creat,trunc
sent listen /tmp/sent "the peer connects"
check "the peer connects: every byte" cmp /tmp/sent /tmp/got
# nothing at all
start_sink 0 $PEER4
check "an empty stream" devmemctl send $NIC --connect $PEER4:5000 --input /dev/null
finish sink0 20
equal "an empty stream arrives" "$(stat -c %s /tmp/got.0)" 0

# --- it ends before the stream does: by a signal while the receiver stalls, or because the receiver dies
stalled()
{
	start_sink 0 $PEER4 rcvbuf=16384
	signal sink0 STOP
	spawn "$1" devmemctl send $NIC --connect $PEER4:5000 --region heap:dmbar0 --size 4M -j --input /dev/zero
	check "$1: stalls" wait_for 20 shut 0
}
for sig in INT TERM; do
	stalled $sig
	signal $sig $sig
	finish $sig 20
	equal "$sig: status" $? $((128 + $(kill -l $sig)))
	equal "$sig: why it ended" "$(field $sig end)" SIG$sig
	signal sink0 KILL
	finish sink0
	check "$sig: the memory is free again" wait_for 20 free
done
stalled KILL
signal KILL KILL
finish KILL
signal sink0 KILL
finish sink0
check "KILL: the memory is free again" wait_for 20 free
stalled dead
signal sink0 KILL
finish sink0
finish dead 20
equal "a receiver that dies: status" $? 2
contains "a receiver that dies: the message" $OUT/dead.err "Connection reset by peer"
check "the memory is free again" wait_for 20 free
unchanged start "the NIC is as it was"
expect_err 2 "refused" devmemctl send $NIC --connect $PEER4:5000 --input /tmp/sent --region heap:dmbar0

# --- bind tx
spawn bind devmemctl bind tx $NIC --region heap:dmbar0 --size 4M
check "bind tx prints the binding's number" wait_for 20 grep -qx '[1-9][0-9]*' $OUT/bind.out
equal "it has the region" "$(bar_regions dmbar0 | wc -l)" 1
unchanged start "bind tx changes nothing on the NIC"
signal bind INT
finish bind 20
equal "bind tx ends by the signal" $? 0
check "the memory is free again" free
expect_rc 7 devmemctl bind tx $NIC --region heap:dmbar0 --size 4M -- sh -c 'exit 7'
expect_err 3 "lo" devmemctl bind tx lo --region heap:dmbar0 --size 4M
expect_err 1 "memfd" devmemctl bind tx $NIC --region memfd --size 4M
unchanged start "the NIC is as it was"

# --- from device to device; at the end, so that the host finds it: nothing is overwritten, for the regions are large enough
payload >/tmp/payload
spawn recv ip netns exec peer devmemctl recv $PEER --listen $PEER4:5000 --region heap:dmbar1 --size 48M --hold --once \
	--sha256 --map $OUT/recv.map -j
wait_for 20 peer_listening 5000 || show "$OUT/recv.err"
start_send send --connect $PEER4:5000 --region heap:dmbar0 --size 8M --chunk 8M --input $LAB_PAYLOAD_DISK --map $OUT/send.map
sent send /tmp/payload "device to device"
finish recv 60
equal "the receiver ends well" $? 0
show "$OUT/recv.err"
equal "what it received" "$(field recv sha256)" "$(sha256 /tmp/payload)"
equal "all of it in its device's memory" "$(field recv bytes_device)" "$LAB_PAYLOAD_SIZE"
bar_last dmbar0 >$OUT/send.base
bar_last dmbar1 >$OUT/recv.base
unchanged start "the NIC is as it was"
