//! What a client posts for a token.
#![no_main]

use wire::oauth::TokenRequest;

libfuzzer_sys::fuzz_target!(|input: (Option<&str>, &[u8])| {
    let _ = TokenRequest::parse(input.0, input.1);
});
