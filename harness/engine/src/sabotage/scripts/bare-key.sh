# Lets everybody read the private keys that the configuration names.
files=$(configs)
keys=$(grep -hoE '/[^[:space:];'\''"]+key' $files | sort -u | while read -r file; do
	if [ -f "$file" ] && grep -q 'PRIVATE KEY' "$file"; then echo "$file"; fi
done)
[ -n "$keys" ] || refuse "unfit: no private key is configured"
for file in $keys; do
	chmod 644 "$file"
done
