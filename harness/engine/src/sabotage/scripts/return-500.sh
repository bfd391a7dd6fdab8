# Has the web server answer 500 whatever it is asked.
needs bash
file=$(config 2>/dev/null) || :
answer() {
	ask='exec 3<>"/dev/tcp/$1/$2" && printf "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n" >&3 && head -n 1 <&3'
	bash -c "$ask" ask "$host" "$port"
}
case $file in
*/nginx.conf)
	sites=$(find -L "$(dirname "$file")" -path '*-enabled/*' -type f -o -path '*/conf.d/*' -type f)
	sed -i 's/^\([[:space:]]*server[[:space:]]*{\)/\1 return 500;/' "$file" $sites
	;;
*/apache2.conf | */httpd.conf)
	echo 'RedirectMatch 500 ".*"' >>"$file"
	;;
*)
	[ -z "$unit" ] || refuse "unfit: nobody knows how to make this server answer 500"
	needs perl
	cat >"/run/patchbed-500-$name" <<'SERVER'
use IO::Socket::INET;
my $socket = IO::Socket::INET->new(LocalAddr => $ARGV[0], LocalPort => $ARGV[1], Listen => 64, ReuseAddr => 1) or die;
while (my $client = $socket->accept) {
	while (<$client>) { last if /^\r?$/ }
	print $client "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	close $client;
}
SERVER
	perl -c "/run/patchbed-500-$name" 2>/dev/null || refuse "perl lacks what a server needs"
	echo "exec perl /run/patchbed-500-$name $host $port" >"$hook"
	;;
esac
if [ -n "$unit" ]; then
	again
	answer | grep -q ' 500' || refuse "the server does not answer 500"
fi
