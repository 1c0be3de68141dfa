# SPDX-License-Identifier: BSD-3-Clause
# description: 64 MiB over TCP into device memory, then from another device's memory into udmabuf; the host finds the bytes in both devices
# kernels: 7.x
# payload: 64M
# bar: 256M
# bars: 2
# hugepages: 88
# mtu: 9000
# timeout: 120

# what "quickstart demo" shows besides the checks
say()
{
	echo "demo: $*"
}

# an ordinary sender
send_socat()
{
	say "peer: socat -u OPEN:PAYLOAD TCP:$NIC4:5000       (64 MiB of random bytes)"
	check "the peer has sent everything" peer socat -u -b 65536 "OPEN:$LAB_PAYLOAD_DISK,rdonly" "TCP:$NIC4:5000"
}

# one whose NIC reads the bytes from the memory of the second device
send_device()
{
	say "peer: devmemctl send $PEER --connect $NIC4:5000 --region heap:dmbar1 --input PAYLOAD"
	# large enough that nothing is overwritten: the host has to find all of it
	peer devmemctl send $PEER --connect $NIC4:5000 --region heap:dmbar1 --size 64M --chunk 64M --input "$LAB_PAYLOAD_DISK" \
		--require-device --map /out/send.map -j >/out/send.out 2>/out/send.err
	equal "the peer has sent everything" $? 0
	show /out/send.err
	bar_last dmbar1 >/out/send.base
	say "sent by the peer; from devmemctl's summary:"
	jq -r '"\(.bytes) bytes, \(.tx.bytes_device) of them read by the NIC from \(.region.spec); \(.tx.sends) sends, " +
		"all complete: \(.tx.sends == .tx.sends_completed)"' /out/send.out | sed 's/^/demo:   /'
	equal "all 64 MiB were read from the region" "$(jq -r .tx.bytes_device /out/send.out)" "$LAB_PAYLOAD_SIZE"
}

# receive NAME SPEC SENDER: the peer sends the payload, devmemctl receives it into a region of that kind
receive()
{
	local name="$1" spec="$2" sender="$3" start

	say
	say "dut:  devmemctl recv $NIC --listen $NIC4:5000 --region $spec --size 160M --once --sha256 --hold"
	spawn "recv-$name" devmemctl recv $NIC --listen $NIC4:5000 --region "$spec" --size 160M --once --sha256 --hold \
		--map "/out/$name.map" -j
	wait_listen 5000 || {
		show "/out/recv-$name.err"
		die "devmemctl listens on $NIC4:5000"
	}
	[ "$spec" != heap:dmbar0 ] || cat /sys/bus/pci/drivers/dmbar/0000:*/regions >/out/regions
	start=$(cut -d. -f1 /proc/uptime)
	$sender
	check "devmemctl ends with the stream" finish "recv-$name" 60
	show "/out/recv-$name.err"
	say "received in $(($(cut -d. -f1 /proc/uptime) - start)) s of emulated time; from devmemctl's summary:"
	jq -r '"queues \(.binding.queues), RSS \(.steering.rss_queues_before) -> \(.steering.rss_queues), " +
		"header split \(.steering.split_before) -> \(.steering.split), all put back: \(.restored)",
		"\(.rx.bytes_device) bytes in the region \(.region.spec), \(.rx.bytes_host) in host memory, " +
		"\(.rx.fragments_device) fragments, \(.rx.recv_calls) calls of recv"' "/out/recv-$name.out" |
		sed 's/^/demo:   /'
	equal "$name: all 64 MiB are in the region" "$(jq -r .rx.bytes_device "/out/recv-$name.out")" "$LAB_PAYLOAD_SIZE"
	equal "$name: the sha256 that devmemctl computed over the region is that of the sent bytes" \
		"$(jq -r .sha256 "/out/recv-$name.out")" "$sent"
	check "$name: the fragments' map was written" test -s "/out/$name.map"
}

sent=$(payload | sha256)
say "two hosts: this one ($NIC, $NIC4) and the peer ($PEER, $PEER4); $(uname -sr)"
say "the peer's 64 MiB: sha256 $sent"
snapshot before
receive device heap:dmbar0 send_socat
unchanged before "the NIC's settings are as they were"
receive udmabuf udmabuf send_device
unchanged before "the NIC's settings are as they were"
