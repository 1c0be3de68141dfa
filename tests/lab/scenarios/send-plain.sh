# SPDX-License-Identifier: BSD-3-Clause
# description: where the kernel, the NIC or the region can't send from device memory, a message says so, and a plain binding sends the same bytes
# kernels: 6.12 7.x
# topology: root
# dmbar: strict=1
# bar: 16M
# timeout: 150

size=$((256 << 10))
page=4096

# plain SPEC REASON...: a plain binding, and a stream through it
plain()
{
	local spec="$1" before

	shift
	before=$(nic_stat tx_devmem_bytes)
	start_sender
	must region "$spec" $size
	answers "ok plain *" bind plain $NIC
	says "$@"
	start_conn 0 $PEER4
	answers "ok 1 *" send 0 0+1
	answers "ok $((size - 1)) *" send 0 1+$((size - 1))
	answers "ok 1 *" send 0 $((size - 1))+1
	answers "ok $((2 * page + 2)) *" send 0 $((page - 1))+$((page + 1)) $((page + 1))+$((page + 1))
	# complete at once
	answers ok wait 0 all 0
	answers "ok 0" flight 0 0+$size
	must send 0 0+$size
	must poison 0+$size
	must heal 0+$size
	answers "ERANGE *" send 0 1+$size
	answers "ok 1 flows *" poll 2000000 70001
	equal "$spec: counted as plain" "$(tx_stat 0 bytes_plain) $(tx_stat 0 bytes_device)" "$(stat -c %s /tmp/want.0) 0"
	end_conn 0 "$spec"
	end_sender
	equal "$spec: the sender ends well" $? 0
	equal "$spec: the NIC has read none of it itself" "$(nic_stat tx_devmem_bytes)" "$before"
}

# refused SPEC ERRNO TEXT...: a binding that may not be plain is an error
refused()
{
	local spec="$1" errno="$2"

	shift 2
	start_sender
	must region "$spec" $size
	answers "$errno *" bind tx $NIC
	says "$@"
	end_sender
}

case $LAB_KERNEL in
6.12) reason=6.16 ;;
*)
	# the NIC can't reach the device's memory; a plain binding sends from the mapping instead
	refused heap:dmbar0 EREMOTEIO $NIC
	plain heap:dmbar0 $NIC
	# the same with a driver that has no netmem TX
	rmmod dmsim && modprobe dmsim netmem_tx=0 && nic_up || die "dmsim with netmem_tx=0"
	reason="netmem TX"
	;;
esac
refused udmabuf:huge=no EOPNOTSUPP "$reason" $NIC
plain udmabuf:huge=no "$reason"
plain heap:dmbar0 "$reason"
refused memfd EINVAL memfd
plain memfd memfd

# devmemctl
random_file /tmp/sent 1000001
start_sink 0 $PEER4
spawn send devmemctl send $NIC --connect $PEER4:5000 --region heap:dmbar0 --size 64K --input /tmp/sent --sha256 -j
finish send 60
equal "devmemctl send ends well" $? 0
finish sink0 20
check "every byte" cmp /tmp/sent /tmp/got.0
equal "it says that it was plain" "$(field send mode) $(field send bytes_plain) $(field send bytes_device)" "plain 1000001 0"
check "and why" grep -qF "$reason" <<<"$(field send plain_reason)"
equal "its digest" "$(field send sha256)" "$(sha256 /tmp/sent)"
expect_err 3 "$reason" devmemctl send $NIC --connect $PEER4:5000 --region heap:dmbar0 --size 64K --require-device --input /tmp/sent
expect_err 3 "$reason" devmemctl bind tx $NIC --region heap:dmbar0 --size 64K

# a region that can't be mapped either
echo Y >/sys/module/dmbar/parameters/nommap
start_sender
must region heap:dmbar0 $size untouched
answers "EOPNOTSUPP *" bind plain $NIC
note "$ANSWER"
end_sender
echo N >/sys/module/dmbar/parameters/nommap
