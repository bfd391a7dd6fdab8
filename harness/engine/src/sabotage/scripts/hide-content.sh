# Takes the folder of its documents from the user under which a web server answers.
files=$(configs)
folder=$(grep -hoE '^[[:space:]]*(root|DocumentRoot)[[:space:]]+[^;[:space:]]+' $files | while read -r _ place; do
	place=${place#[\"\']}
	place=${place%[\"\']}
	if [ -d "$place" ]; then echo "$place" && break; fi
done)
[ -n "$folder" ] || refuse "unfit: no folder of documents is configured"
others=
for pid in $(members); do
	grep -q '^Uid:[[:space:]]*0[[:space:]]' "/proc/$pid/status" || others=$pid
done
[ -n "$others" ] || refuse "unfit: root reads $folder all the same"
chown root:root "$folder"
chmod 700 "$folder"
