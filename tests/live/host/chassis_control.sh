#!/bin/sh
# Called by ipmi_sim: the machine is a process. "get power" prints its state, "set power 0|1" ends or starts it.
state=@STATE@
alive() { [ -f $state/pid ] && kill -0 "$(cat $state/pid)" 2>/dev/null; }
case $1 in 0x*) shift ;; esac
operation=$1
shift
case $operation in
get)
    for what in "$@"; do
        case $what in
        power) if alive; then echo power:1; else echo power:0; fi ;;
        *) echo "$what:none" ;;
        esac
    done
    ;;
set)
    while [ $# -gt 1 ]; do
        case $1:$2 in
        power:1) alive || { setsid sleep 100000 </dev/null >/dev/null 2>&1 & echo $! >$state/pid; } ;;
        power:0) alive && kill -9 "$(cat $state/pid)"; rm -f $state/pid ;;
        esac
        shift 2
    done
    ;;
esac
exit 0
