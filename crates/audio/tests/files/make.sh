#!/usr/bin/env bash
# Makes the sound files of the tests again (needs ffmpeg with lame, vorbis and opus): each a tone of 440 Hz at half of full scale
# that begins after 0.1 s and ends 0.1 s before the end of 0.6 s, so that delays and lengths can be heard.
set -euo pipefail
cd "$(dirname "$0")"

TONE="if(between(t,0.1,0.5),0.5*sin(2*PI*440*t),0)"

make() { # FILE RATE CHANNELS OPTION...
    local file=$1 rate=$2 channels=$3
    shift 3
    local all=$TONE
    for ((more = 1; more < channels; more++)); do all+="|$TONE"; done
    ffmpeg -nostdin -v error -y -f lavfi -i "aevalsrc='$all':s=$rate:d=0.6" -fflags +bitexact "$@" "$file"
}

for width in u8 s16le s24le s32le f32le f64le mulaw alaw; do
    make "$width.wav" 8000 1 -c:a "pcm_$width"
done
make extensible-s24-stereo.wav 8000 2 -c:a pcm_s24le
make six-channels.wav 8000 6 -c:a pcm_s16le
make rf64.wav 8000 1 -c:a pcm_s16le -rf64 always
make adpcm.wav 8000 1 -c:a adpcm_ima_wav
ffmpeg -nostdin -v error -y -f lavfi -i "aevalsrc='$TONE':s=8000:d=0.6" -c:a pcm_s16le -f wav - | cat > streamed.wav
make tagged.wav 8000 1 -c:a pcm_s16le -metadata title="A tone" -metadata artist="Trunkline"

make mpeg1-stereo.mp3 44100 2 -c:a libmp3lame -b:a 128k -id3v2_version 3 -metadata title="A tone"
make mpeg2.mp3 16000 1 -c:a libmp3lame -b:a 64k
make mpeg25.mp3 8000 1 -c:a libmp3lame -b:a 32k
make vbr.mp3 44100 1 -c:a libmp3lame -q:a 4
make vbr-without-header.mp3 44100 1 -c:a libmp3lame -q:a 4 -write_xing 0
make no-gaps-told.mp3 16000 1 -c:a libmp3lame -b:a 64k -write_xing 0
make id3v1.mp3 16000 1 -c:a libmp3lame -b:a 64k -id3v2_version 0
{ printf 'TAG%-30s' 'A tone'; head -c 95 /dev/zero; } >> id3v1.mp3

make mono.aac 16000 1 -c:a aac -b:a 64k
make stereo.aac 44100 2 -c:a aac -b:a 96k
make mono.m4a 16000 1 -c:a aac -b:a 64k -metadata title="A tone"
make stereo.m4a 44100 2 -c:a aac -b:a 96k -movflags +faststart
make alac.m4a 16000 1 -c:a alac
make fragmented.mp4 16000 1 -c:a aac -b:a 64k -movflags +frag_keyframe+empty_moov

make vorbis.ogg 16000 1 -c:a libvorbis -q:a 3 -metadata title="A tone"
make vorbis-stereo.ogg 44100 2 -c:a libvorbis -q:a 3
make opus.ogg 48000 1 -c:a libopus -b:a 32k -metadata title="A tone"
make opus-stereo.opus 48000 2 -c:a libopus -b:a 64k
make opus-voip.opus 16000 1 -c:a libopus -b:a 16k -application voip
make opus-six-channels.opus 48000 6 -c:a libopus -b:a 192k
make speex.ogg 8000 1 -c:a libspeex
make flac.ogg 8000 1 -c:a flac

make s16.flac 8000 1 -c:a flac -metadata title="A tone"
make s24-stereo.flac 44100 2 -c:a flac -sample_fmt s32

make layer2.mp2 16000 1 -c:a mp2 -b:a 64k
make tone.aiff 8000 1 -c:a pcm_s16be
make tone.webm 48000 1 -c:a libopus -b:a 32k
