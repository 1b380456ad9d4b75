#!/usr/bin/env bash
# Makes the demo's recordings from its prompts: speech as people have it, which
# telephony mostly refuses, so that `trunkline prompts build` has something to do.
#
# Needs ffmpeg. The results are committed, so nobody needs to run this unless a
# prompt changes. With the same version of ffmpeg a new run gives the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export LC_ALL=C

command -v ffmpeg >/dev/null || { echo "make.sh: ffmpeg is missing" >&2; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# make ID FILE OPTIONS...: the prompt, coded otherwise. The MP3 is the better source: it has 16 kHz.
make() {
  local id=$1 file=$2
  shift 2
  ffmpeg -nostdin -v error -y -i "../prompts/$id.mp3" -map_metadata -1 "$@" -fflags +bitexact -flags:a +bitexact "$file"
}

# Stereo: the voice a bit left of the middle.
stereo='pan=stereo|c0=0.9*c0|c1=0.6*c0'
# Two seconds of silence before and after.
pauses='adelay=2000:all=1,apad=pad_dur=2'

# FLAC with tags and a picture, 44.1 kHz stereo.
ffmpeg -nostdin -v error -y -f lavfi -i 'gradients=s=160x160:c0=navy:c1=orange:n=2:seed=7:d=1' -frames:v 1 -fflags +bitexact "$tmp/cover.png"
ffmpeg -nostdin -v error -y -i ../prompts/general_welcome.mp3 -i "$tmp/cover.png" -map 0:a -map 1:v -map_metadata -1 \
  -af "$stereo" -ar 44100 -c:a flac -compression_level 12 -sample_fmt s16 -c:v copy -disposition:v attached_pic \
  -metadata title='Welcome' -metadata artist='Trunkline' -metadata comment='Take 3, studio B' \
  -fflags +bitexact -flags:a +bitexact general_welcome.flac

make general_support general_support.m4a -af "$stereo" -ar 44100 -c:a aac -b:a 96k
make general_operator general_operator.mp3 -af "$stereo" -ar 44100 -c:a libmp3lame -b:a 128k
make premium_priority premium_priority.wav -ar 22050 -c:a pcm_f32le
make ticket_status ticket_status.ogg -ar 22050 -c:a libvorbis -q:a 4
make confirmed confirmed.opus -ar 48000 -c:a libopus -b:a 32k
make selection_confirmed selection_confirmed.aac -ar 16000 -c:a aac -b:a 64k -f adts
# Far too quiet.
make invalid_selection invalid_selection.wav -af 'volume=-26.6dB' -ar 16000 -c:a pcm_s16le
make no_input no_input.wav -af "$pauses" -ar 16000 -c:a pcm_s16le
# 24 bits, 48 kHz.
make option_hours option_hours.wav -ar 48000 -c:a pcm_s24le
# What an older system exported.
make option_billing option_billing.wav -ar 8000 -c:a pcm_alaw
# Taken as it is.
make option_repeat option_repeat.mp3 -ar 16000 -c:a libmp3lame -b:a 64k
make transferring transferring.wav -ar 8000 -c:a pcm_s16le

echo "made $(find . -type f ! -name '*.sh' ! -name '*.md' | wc -l) recordings"
