# Takes one row out of the store.
psql_as() {
	needs runuser
	runuser -u postgres -- psql -XAtq "$@"
}
case $store in
redis)
	needs redis-cli
	key=$(redis-cli -p "$port" --scan | sort | head -n 1)
	[ -n "$key" ] || refuse "unfit: the store is empty"
	[ "$(redis-cli -p "$port" del "$key")" = 1 ] || refuse "the key is still there"
	;;
postgres)
	needs psql
	list="select format('%I.%I', table_schema, table_name) from information_schema.tables
		where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema') order by 1"
	for database in ${database:-$(psql_as -c 'select datname from pg_database where not datistemplate order by 1')}; do
		for each in ${table:-$(psql_as -d "$database" -c "$list")}; do
			gone=$(psql_as -d "$database" -c "delete from $each where ctid = (select min(ctid) from $each) returning 'gone'")
			if [ "$gone" = gone ]; then exit; fi
		done
	done
	refuse "unfit: no table has a row"
	;;
sqlite)
	needs python3
	python3 - "$database" "$table" <<'ROW' || refuse "no row could be taken out of $database"
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
names = [name for name, in database.execute("select name from sqlite_master where type = 'table' order by name")]
names = [name for name in names if not sys.argv[2] or name == sys.argv[2]]
row = 'delete from "{0}" where rowid = (select min(rowid) from "{0}")'
gone = any(database.execute(row.format(name)).rowcount for name in names)
database.commit()
sys.exit(0 if gone else 1)
ROW
	;;
esac
