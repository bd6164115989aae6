#!/bin/sh
# From an authorisation code to a payment, with nothing but openssl, curl and the usual small tools.
# It is the reference for a merchant's own signer: everything that is signed is made here, in plain sight.
#
#   gerbang sandbox &
#   sh docs/guides/sign-with-openssl.sh gerbang-sandbox/ready.json
#
# With PRODUCT the product can be chosen, one that is linked with an authorisation code.
set -eu

ready=${1:?usage: sign-with-openssl.sh READY_FILE}
product=${PRODUCT:-GOPAYLINK}
shop=https://www.yourdomain.com
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The value of a member of a JSON file, by its name: enough for answers whose members are texts.
member() { tr -d '\n' <"$2" | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"; }

base_url=$(member base_url "$ready")
partner_id=$(member partner_id "$ready")
api_key=$(member api_key "$ready")
private_key=$(member private_key_file "$ready")
phone=$(member phone_no "$ready")
otp=$(member otp "$ready")
pin=$(member pin "$ready")

fail() {
    echo "$1" >&2
    exit 1
}

# call METHOD PATH BODY_FILE: signs and sends; the answer is in $work/answer.
call() {
    timestamp=$(TZ=UTC-7 date +%Y-%m-%dT%H:%M:%S+07:00)
    external_id=$(date +%s)$$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
    hash=$(openssl dgst -sha256 -r "$3" | cut -d ' ' -f 1)
    printf '%s:%s:%s:%s' "$1" "$2" "$hash" "$timestamp" >"$work/string-to-sign"
    signature=$(openssl dgst -sha256 -sign "$private_key" "$work/string-to-sign" | base64 -w 0)
    set -- "$1" "$2" "$3" -H 'Content-Type: application/json' -H "X-TIMESTAMP: $timestamp" \
        -H "X-SIGNATURE: $signature" -H "X-EXTERNAL-ID: $external_id" -H "X-PARTNER-ID: $partner_id" \
        -H 'CHANNEL-ID: ESPAY'
    method=$1 path=$2 body=$3
    shift 3
    if [ "$method" = GET ]; then
        curl -sS --globoff "$@" "$base_url$path" >"$work/answer"
    else
        curl -sS --globoff "$@" -X "$method" --data-binary "@$body" "$base_url$path" >"$work/answer"
    fi
}

# expect CODE WHAT: the answer must have this response code.
expect() {
    code=$(member responseCode "$work/answer")
    echo "$2: $code"
    [ "$code" = "$1" ] || fail "expected $1: $(cat "$work/answer")"
}

# browse URL: what a customer's browser does, until it is back at the shop; prints where it arrived.
browse() {
    url=$1
    pages=0
    next=$(curl -sS -o "$work/page" -w '%{redirect_url}' "$url")
    while [ "$pages" -lt 30 ]; do
        pages=$((pages + 1))
        case $next in "$shop"/*) printf '%s' "$next" && return ;; esac
        if [ -n "$next" ]; then
            url=$next
            next=$(curl -sS -o "$work/page" -w '%{redirect_url}' "$url")
            continue
        fi
        html=$(tr -d '\n' <"$work/page")
        origin=$(printf '%s' "$url" | sed 's|\(https*://[^/]*\).*|\1|')
        action=$(printf '%s' "$html" | sed -n 's/.*<form[^>]* action="\([^"]*\)".*/\1/p')
        button=$(printf '%s' "$html" | sed -n 's/.*<a class="button"[^>]* href="\([^"]*\)".*/\1/p')
        if [ -n "$action" ]; then
            # A form asks for the number, the one-time code or the PIN; its button continues.
            next=$(curl -sS -o "$work/page" -w '%{redirect_url}' --data-urlencode "phone=$phone" \
                --data-urlencode "otp=$otp" --data-urlencode "pin=$pin" --data action=continue "$origin$action")
        elif [ -n "$button" ]; then
            # A page without a form leads on by its button.
            case $button in /*) next=$origin$button ;; *) next=$button ;; esac
        else
            fail "no way on from $url: $html"
        fi
    done
    fail "the browser does not come back from $1"
}

: >"$work/empty"

curl -sS --data-urlencode "key=$api_key" "$base_url/rest/merchant/merchantinfo" >"$work/answer"
[ "$(member error_code "$work/answer")" = 0000 ] || fail "$(cat "$work/answer")"
echo "merchant info: 0000"

# A GET has no body: what is hashed is nothing. Its query is part of the signed path, to the letter as it is sent.
query="redirectURL=$shop/authSuccess&scopes=$product&state=S1&merchantId=$partner_id&lang=id"
query="$query&seamlessData=%7B%22mobileNumber%22%3A%22$phone%22%7D"
call GET "/apidirectdebit/v1.0/get-auth-code?$query" "$work/empty"
expect 2001000 "get auth code"
auth_code=$(member authCode "$work/answer")
page=$(member redirectUrl "$work/answer")

back=$(browse "$page")
case $back in *"authCode=$auth_code"*) echo "authorised by the customer" ;; *) fail "came back with $back" ;; esac

reference=$(date +%s)-$$
cat >"$work/body" <<JSON
{"partnerReferenceNo": "BIND-$reference", "merchantId": "$partner_id", "authCode": "$auth_code",
 "additionalInfo": {"productCode": "$product"}}
JSON
call POST /apidirectdebit/v1.0/registration-account-binding "$work/body"
expect 2000700 "account binding"
card_token=$(member bankCardToken "$work/answer")

cat >"$work/body" <<JSON
{"partnerReferenceNo": "BALANCE-$reference", "bankCardToken": "$card_token",
 "additionalInfo": {"productCode": "$product"}}
JSON
call POST /apidirectdebit/v1.0/balance-inquiry "$work/body"
expect 2001100 "balance inquiry"

cat >"$work/body" <<JSON
{"partnerReferenceNo": "INV-$reference", "merchantId": "$partner_id", "subMerchantId": "$api_key",
 "amount": {"value": "1250000.00", "currency": "IDR"},
 "urlParam": {"url": "$shop/paid", "type": "PAY_RETURN", "isDeeplink": "N"},
 "additionalInfo": {"productCode": "$product", "bankCardToken": "$card_token"}}
JSON
call POST /apimerchant/v1.0/debit/payment-host-to-host "$work/body"
expect 2005400 "payment host to host"
page=$(member webRedirectUrl "$work/answer")
browse "$page" >/dev/null
echo "confirmed by the customer"

cat >"$work/body" <<JSON
{"originalPartnerReferenceNo": "INV-$reference", "serviceCode": "54"}
JSON
for _ in 1 2 3 4 5 6 7 8 9 10; do
    call POST /apimerchant/v1.0/debit/status "$work/body"
    [ "$(member latestTransactionStatus "$work/answer")" = 00 ] && break
    sleep 1
done
expect 2005500 "debit status"
[ "$(member latestTransactionStatus "$work/answer")" = 00 ] || fail "not paid: $(cat "$work/answer")"
echo "paid"
