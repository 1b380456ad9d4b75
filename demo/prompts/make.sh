#!/usr/bin/env bash
# Makes the demo tenant's speech prompts from texts.toml: for every id there
# <id>.wav (8 kHz mono 16-bit PCM, plain 44-byte header) and <id>.mp3 (16 kHz
# mono, constant 64 kbit/s, no ID3 tag), and ../speech/caller-hello.wav.
#
# Needs the Debian packages flite, sox and lame. The results are committed, so
# nobody needs to run this unless a text changes. With the same package
# versions a new run gives the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export LC_ALL=C

voice=slt
caller_voice=rms
stretch=0.96       # flite's duration_stretch; below 1 speaks faster
level=-18.5        # loudness of the speech without its pauses, LUFS
ceiling=-3.5       # sample peak of the 16 kHz master, dBFS at most
edge=0.04          # silence left before and after the speech, seconds

for tool in flite sox lame; do
  command -v "$tool" >/dev/null || { echo "make.sh: $tool is missing" >&2; exit 1; }
done

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The gain in dB that brings a file to $level: the two biquads are the frequency
# weighting of ITU-R BS.1770 at 48 kHz; pauses are taken out before measuring.
gain_to_level() {
  sox -D "$1" -n gain -12 rate 48000 \
      biquad 1.53512485958697 -2.69169618940638 1.19839281085285 1 -1.69065929318241 0.73248077421585 \
      biquad 1 -2 1 1 -1.99004745483398 0.99007225036621 \
      silence -l 1 0.02 -40d -1 0.10 -40d stat 2>&1 |
    awk -v level="$level" '/^RMS +amplitude/ {
      if ($3 <= 0) exit 1
      printf "%.3f\n", level - (20 * log($3) / log(10) + 12 - 0.691); found = 1 }
      END { if (!found) exit 1 }'
}

# A file's sample peak in dBFS.
peak() {
  sox -D "$1" -n stats 2>&1 | awk '/^Pk lev dB/ { print $4; found = 1 } END { if (!found) exit 1 }'
}

# speak VOICE TEXT OUT: a 16 kHz master, trimmed and levelled.
speak() {
  local raw=$tmp/raw.wav cut=$tmp/cut.wav gain pass p
  flite -voice "$1" --setf duration_stretch="$stretch" -t "$2" -o "$raw"
  sox -D "$raw" -b 32 -e floating-point "$cut" rate -v 16000 highpass 60 gain -n -1 \
      silence 1 0.02 -46d reverse silence 1 0.02 -46d \
      fade t 0.006 reverse fade t 0.006 pad "$edge" "$edge"
  # Twice: the compressor that tames single loud vowels moves the level a little.
  for pass in 1 2; do
    gain=$(gain_to_level "$cut")
    sox -D "$cut" "$tmp/next.wav" gain "$gain" \
        compand 0.002,0.060 6:-60,-60,-12,-12,-5,-7,0,-4.5 0 -90 0.002
    mv "$tmp/next.wav" "$cut"
  done
  gain=$(gain_to_level "$cut")
  sox -D "$cut" "$tmp/next.wav" gain "$gain"
  p=$(peak "$tmp/next.wav")
  # Never above the ceiling, even if that makes a prompt slightly quieter.
  gain=$(awk -v p="$p" -v c="$ceiling" 'BEGIN { printf "%.3f\n", (p > c) ? c - p : 0 }')
  sox -D "$tmp/next.wav" "$3" gain "$gain"
}

# to_wav MASTER OUT: what a telephone line carries.
to_wav() {
  sox -R "$1" -t wav -r 8000 -c 1 -b 16 -e signed-integer --comment "" "$2" rate -v -s 8000 dither
}

# lame's 64 kbit/s setting lowers the level to 95 %; --scale undoes that.
to_mp3() {
  sox -R "$1" -t wav -r 16000 -c 1 -b 16 -e signed-integer "$tmp/mp3.wav" dither
  lame --quiet --cbr -b 64 -m m --resample 16 -q 0 --scale 1.0526 --noreplaygain "$tmp/mp3.wav" "$2"
}

count=0
while IFS=$'\t' read -r id text; do
  speak "$voice" "$text" "$tmp/master.wav"
  to_wav "$tmp/master.wav" "$id.wav"
  to_mp3 "$tmp/master.wav" "$id.mp3"
  count=$((count + 1))
done < <(awk '
  /^\[/ { on = ($0 ~ /^\[prompts\]/); next }
  on && match($0, /^[A-Za-z0-9_-]+ = "/) {
    id = $1
    text = substr($0, RLENGTH + 1)
    sub(/"[ \t]*$/, "", text)
    print id "\t" text
  }' texts.toml)
[ "$count" -gt 0 ] || { echo "make.sh: no prompts in texts.toml" >&2; exit 1; }

# The words of a test caller, in another voice.
mkdir -p ../speech
speak "$caller_voice" "Hello, I would like to know where my order is." "$tmp/master.wav"
to_wav "$tmp/master.wav" ../speech/caller-hello.wav

echo "made $count prompts and the caller's words"
