# SPDX-License-Identifier: BSD-3-Clause
# description: bind rx with a command: what the command gets, and that everything is undone however it ends
# timeout: 90

snapshot start
b="devmemctl bind rx $NIC --queues 2-3 --region heap:dmbar0 --size 8M --steer"
$b -- sh -c 'echo "$DEVMEM_BINDING_ID $DEVMEM_QUEUES $DEVMEM_DEV"; readlink /proc/self/fd/$DEVMEM_REGION_FD
	devmemctl region test fd:$DEVMEM_REGION_FD; echo "tested $?"
	devmemctl queue show "$DEVMEM_DEV" -j; exit 7' >/tmp/out 2>/tmp/err
equal "the command's status" $? 7
show /tmp/err
check "the binding's id" grep -qE "^[1-9][0-9]* 2-3 $NIC$" /tmp/out
contains "the region is a dma-buf" /tmp/out "dmabuf"
contains "that can be imported" /tmp/out "tested 0"
id=$(head -n 1 /tmp/out | cut -d' ' -f1)
equal "both queues are bound" "$(sed -n '/^[[{]/,$p' /tmp/out | jq "[.. | .binding? // empty] | map(select(. == $id)) | length")" 2
unchanged start "the NIC is as it was"
expect_rc 127 $b -- nosuchcommand
unchanged start "the NIC is as it was"
$b -- sh -c 'kill -9 $$'
equal "a command that is killed" $? 137
unchanged start "the NIC is as it was"
spawn term $b -- sleep 60
wait_for 10 sh -c "devmemctl queue show $NIC -j | jq -e '[.. | .binding? // empty] | length == 2'"
signal term TERM
finish term 10
equal "a signal ends command and binding" $? 143
unchanged start "the NIC is as it was"
