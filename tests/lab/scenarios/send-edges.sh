# SPDX-License-Identifier: BSD-3-Clause
# description: ranges at every edge of a region, lists of them, ordinary sends in between, over IPv4 and IPv6, at MTU 1500 and 9000, through an IOMMU: every byte arrives, every send completes
# kernels: 7.x
# bar: 16M
# iommu: intel
# timeout: 150

page=4096
size=$((64 * page))

# sent LENGTH: fails unless that many bytes were sent; prints nothing otherwise
sent()
{
	[[ $ANSWER == "ok $1 "* ]] && return 0
	fail "all of $1 bytes are sent"
	note "got: $ANSWER"
	return 1
}

# one send for each edge of the range and of its length
edges()
{
	local offset length left n=0

	for offset in 0 1 $((page - 1)) $page $((page + 1)) $((size - page - 1)) $((size - page)) $((size - page + 1)) \
		$((size - 1)); do
		left=$((size - offset))
		for length in 1 $((page - 1)) $page $((page + 1)) $left; do
			[ $length -le $left ] || continue
			ask send 0 $offset+$length
			sent $length && n=$((n + 1))
		done
	done
	equal "$1: sends at the edges" $n 39
}

# lists of ranges: two that overlap, one range many times, as many as are allowed, of every length
# shellcheck disable=SC2046 # each range is a word
lists()
{
	local offset

	ask send 0 100+$page 50+$page
	sent $((2 * page))
	ask send 0 0+$size $((size - 1))+1 0+1 0+$size
	sent $((2 * size + 2))
	ask send 0 $(for offset in $(seq 1024); do echo 77+13; done)
	sent $((1024 * 13))
	ask send 0 $(for offset in $(seq 0 1023); do echo $((offset * 255))+$((offset % 97 + 1)); done)
	sent $(($(seq 0 1023 | awk '{ n += $1 % 97 + 1 } END { print n }')))
	ask send 0 $(for offset in $(seq 1000 -1 1); do echo $offset+1; done)
	sent 1000
	answers "EMSGSIZE *" send 0 $(for offset in $(seq 1025); do echo 77+13; done)
	says 1024
	answers "ERANGE *" send 0 0+1 $size+1
	answers "ERANGE *" send 0 1+$size
	answers "ERANGE *" send 0 0xffffffffffffffff+2
	answers "EINVAL *" send 0 0+1 5+0
	answers "EINVAL *" send 0
}

# ordinary sends, copied by the kernel, between those of the region
mixed()
{
	local i

	for i in 1 2 3 4 5 6 7 8; do
		must write 0 $i+$((i * 1000))
		ask send 0 $((page - i))+$((i * 3000))
		sent $((i * 3000))
	done
}

# connection ADDRESS WHAT
connection()
{
	local before after

	before=$(nic_stat tx_devmem_bytes)
	start_conn 0 "$1"
	edges "$2"
	lists
	answers ok wait 0 all 30000
	after=$(nic_stat tx_devmem_bytes)
	ask stats 0
	equal "$2: nothing was copied" "$(tx_stat 0 sends_copied) $(tx_stat 0 bytes_plain)" "0 0"
	equal "$2: what the NIC read itself" "$(tx_stat 0 bytes_device)" "$(stat -c %s /tmp/want.0)"
	check "$2: the NIC counts as many" test $((after - before)) -ge "$(stat -c %s /tmp/want.0)"
	equal "$2: each completed once" "$(tx_stat 0 sends_completed) $(tx_stat 0 completions_unknown)" "$(tx_stat 0 sends) 0"
	mixed
	end_conn 0 "$2"
}

mtu()
{
	ip link set $NIC mtu "$1" && peer ip link set $PEER mtu "$1" || die "MTU $1"
}

check "the NIC's addresses are the IOMMU's" test -e /sys/class/net/$NIC/device/iommu_group
snapshot start
for spec in heap:dmbar0 udmabuf:huge=no; do
	start_sender
	must region $spec $size
	answers "ok device *" bind tx $NIC
	for mtu in 1500 9000; do
		mtu $mtu
		connection $PEER4 "$spec, MTU $mtu, IPv4"
		connection $PEER6 "$spec, MTU $mtu, IPv6"
	done
	mtu 1500
	if [ $spec = heap:dmbar0 ]; then
		# a second sender on the same socket goes on counting where the first one stopped, if it is given that number
		start_conn 0 $PEER4
		must send 0 0+5000
		must send 0 5000+5000
		answers ok wait 0 all 30000
		ask completed 0
		answers "ok 1-${ANSWER##* }" reap 0
		answers ok reap 0
		counted=$(tx_stat 0 zerocopy_sends)
		check "the first sender has counted its sends" test "$counted" -ge 2
		answers ok close 0 drain 0
		must open 0 zerocopy="$counted"
		must send 0 1+7000
		end_conn 0 "a second sender"
		# without it, a wait fails: one send's completion isn't mistaken for another's
		start_conn 0 $PEER4
		must send 0 0+5000
		answers ok close 0 drain 30000
		must open 0
		must send 0 0+5000
		answers "EBADMSG *" wait 0 all 30000
		must close 0 abandon 0
		must end 0
		finish sink0 20
	fi
	end_sender
	equal "$spec: the sender ends well" $? 0
done
equal "the NIC could reach all it had to send" "$(peer ethtool -S $PEER | awk '$1 == "bad_dma:" { print $2 }')" 0
equal "the memory is free again" "$(bar_regions dmbar0)" ""
unchanged start "the NIC is as it was"
