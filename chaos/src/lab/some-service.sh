#!/bin/sh
### BEGIN INIT INFO
# Provides:          some-service
# Required-Start:    $network
# Required-Stop:
# Default-Start:
# Default-Stop:
# Short-Description: answers datagrams with the name of the machine that runs it
### END INIT INFO
pidfile=/run/some-service.pid
lives() { [ -f $pidfile ] && kill -0 "$(cat $pidfile)" 2>/dev/null; }
case $1 in
start)
    lives && exit 0
    setsid @LAB@ echo @PORT@ "$(hostname)" </dev/null >/dev/null 2>&1 &
    echo $! >$pidfile
    ;;
stop)
    lives || exit 0
    kill "$(cat $pidfile)"
    while lives; do sleep 0.02; done
    rm -f $pidfile
    ;;
status)
    lives && exit 0
    exit 3
    ;;
*) exit 2 ;;
esac
