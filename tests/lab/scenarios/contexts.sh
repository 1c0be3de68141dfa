# SPDX-License-Identifier: BSD-3-Clause
# description: the simulated NIC itself: where packets go after its RSS table, flow rules and RSS contexts are set with ethtool
# dmsim: queues=4 nrules=8
# timeout: 240

# queue_of PORT ADDR: the queue that received a stream to that address
queue_of()
{
	local port=$1 addr=$2 q before=() bytes

	for q in 0 1 2 3; do
		before[q]=$(nic_stat rx${q}_bytes)
	done
	spawn sink socat -u "TCP6-LISTEN:$port,reuseaddr,ipv6only=0" OPEN:/dev/null
	wait_listen "$port" || return 1
	peer sh -c "head -c 500000 /dev/zero | socat -u STDIN TCP:$addr:$port" || return 1
	finish sink 20 || return 1
	for q in 0 1 2 3; do
		bytes=$(($(nic_stat rx${q}_bytes) - before[q]))
		[ $bytes -lt 500000 ] || echo $q
	done
}

# both PORT: the queues of a stream over IPv4 and of one over IPv6
both()
{
	echo "$(queue_of "$1" $NIC4) $(queue_of "$1" "[$NIC6]")"
}

# new_context ARG...: its number
new_context()
{
	ethtool -X $NIC context new "$@" | sed -n 's/.*context is \([0-9]*\).*/\1/p'
}

# add_rule ARG...: its location
add_rule()
{
	ethtool -N $NIC "$@" | sed -n 's/.*ID \([0-9]*\).*/\1/p'
}

rules()
{
	ethtool -n $NIC | grep -c 'Filter:'
}

# table [ARG...]: the first eight entries
table()
{
	ethtool -x $NIC "$@" | awk '$1 == "0:" { print $2, $3, $4, $5, $6, $7, $8, $9 }'
}

# --- the table
check "the table can be set" ethtool -X $NIC equal 1
equal "all streams come to queue 0" "$(both 5001)" "0 0"
check "the table can be weighted" ethtool -X $NIC weight 0 0 1 0
equal "all streams come to queue 2" "$(both 5001)" "2 2"
check_not "no queue beyond the last" ethtool -X $NIC start 4 equal 1
key=$(seq -f %02g -s : 10 49)
check "the key can be set" ethtool -X $NIC hkey "$key"
ethtool -x $NIC >/tmp/rss
contains "and is kept" /tmp/rss "$key"
ethtool -n $NIC rx-flow-hash tcp4 >/tmp/fields
contains "ports are in the hash" /tmp/fields "L4 bytes 2 & 3"
check "queue 0 again" ethtool -X $NIC equal 1

# --- rules
equal "rules get the first free place" "$(add_rule flow-type tcp4 dst-ip $NIC4 dst-port 5001 action 3
	add_rule flow-type tcp6 dst-ip $NIC6 dst-port 5001 action 1)" "0
1"
equal "they steer" "$(both 5001)" "3 1"
equal "but no other port" "$(both 5002)" "0 0"
check_not "the same flow twice" ethtool -N $NIC flow-type tcp4 dst-ip $NIC4 dst-port 5001 action 2
check "the same place again replaces" ethtool -N $NIC flow-type tcp4 dst-ip $NIC4 dst-port 5001 action 2 loc 0
equal "and steers otherwise" "$(both 5001)" "2 1"
check "a rule can be deleted" ethtool -N $NIC delete 0
check_not "but once" ethtool -N $NIC delete 0
equal "then it steers no more" "$(both 5001)" "0 1"
check "one connection" ethtool -N $NIC flow-type tcp4 src-ip $PEER4 dst-ip $NIC4 src-port 6000 dst-port 5001 action 2 loc 5
equal "leaves others alone" "$(queue_of 5001 $NIC4)" 0
check "a network" ethtool -N $NIC flow-type tcp4 src-ip 10.0.0.0 m 0.0.0.255 action 3 loc 6
equal "steers all of it" "$(queue_of 5001 $NIC4)" 3
check_not "no queue beyond the last" ethtool -N $NIC flow-type tcp4 dst-port 1 action 4
check_not "no UDP" ethtool -N $NIC flow-type udp4 dst-port 1 action 0
check_not "no place beyond the table" ethtool -N $NIC flow-type tcp4 dst-port 1 action 0 loc 8
for port in 1 2 3 4 5; do
	add_rule flow-type tcp4 dst-port $port action 0 >/dev/null
done
equal "the table is full" "$(rules)" 8
check_not "so no more" ethtool -N $NIC flow-type tcp4 dst-port 9 action 0
check "rules off" ethtool -K $NIC ntuple off
check_not "so none can be added" ethtool -N $NIC flow-type tcp4 dst-port 9 action 0
check "rules on" ethtool -K $NIC ntuple on
equal "all were dropped" "$(rules)" 0

# --- contexts
one=$(new_context start 2 equal 1)
two=$(new_context weight 0 1 0 0)
equal "contexts are numbered" "$one $two" "1 2"
check "a rule into a context" ethtool -N $NIC flow-type tcp4 dst-ip $NIC4 dst-port 5001 context "$one"
check "a rule into the other" ethtool -N $NIC flow-type tcp6 dst-ip $NIC6 dst-port 5001 context "$two"
equal "each steers by its own table" "$(both 5001)" "2 1"
equal "the main table is as it was" "$(both 5002)" "0 0"
check "a context can be changed" ethtool -X $NIC context "$one" start 3 equal 1
equal "and steers by the new table" "$(both 5001)" "3 1"
equal "which can be read" "$(table context "$one")" "3 3 3 3 3 3 3 3"
ethtool -n $NIC >/tmp/rules
contains "a rule names its context" /tmp/rules "Direct to RSS Context $one"
check_not "a context in use stays" ethtool -X $NIC context "$one" delete
check_not "no rule into a context that is not there" ethtool -N $NIC flow-type tcp4 dst-port 1 context 5
ethtool -N $NIC delete 0
check "a context can be deleted" ethtool -X $NIC context "$one" delete
check_not "but once" ethtool -X $NIC context "$one" delete
equal "the other is as it was" "$(queue_of 5001 "[$NIC6]")" 1
ethtool -N $NIC delete 1
ethtool -X $NIC context "$two" delete
equal "a new one without a table spreads" "$(table context "$(new_context)")" "0 1 2 3 0 1 2 3"
more=0
while [ $more -lt 20 ] && [ -n "$(new_context 2>/dev/null)" ]; do
	more=$((more + 1))
done
equal "eight contexts, the main one included" $more 6
for c in 1 2 3 4 5 6 7; do
	check "delete context $c" ethtool -X $NIC context $c delete
done

# --- channels
check "the default table" ethtool -X $NIC default
check "fewer channels" ethtool -L $NIC combined 2
equal "the default table follows" "$(table)" "0 1 0 1 0 1 0 1"
check "all channels" ethtool -L $NIC combined 4
equal "it follows again" "$(table)" "0 1 2 3 0 1 2 3"
ethtool -N $NIC flow-type tcp4 dst-port 1 action 3 >/dev/null
check_not "a channel that a rule needs stays" ethtool -L $NIC combined 2
check_not "no more channels than there are" ethtool -L $NIC combined 5
