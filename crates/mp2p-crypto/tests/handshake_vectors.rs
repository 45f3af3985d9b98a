//! The frozen handshakes against `snow`, a Noise implementation that is not ours: it reads every
//! message and writes the same bytes. docs/PROTOCOL.md, "Handshake" and "Key schedule".

use std::{fs, path::Path};

use mp2p_crypto::{curve, hash};
use serde_json::Value;
use snow::{Builder, HandshakeState};

const INIT_NOISE: std::ops::Range<usize> = 12..352;
const RESPONSE_NOISE: std::ops::Range<usize> = 20..320;
const FIN_NOISE: std::ops::Range<usize> = 12..256;

struct Secrets {
    key: Vec<u8>,
    static_secret: [u8; 32],
    ephemeral: Vec<u8>,
}

#[test]
fn snow_reads_and_writes_every_frozen_handshake() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../__test__/vectors/handshake.json");
    let text = fs::read_to_string(path).expect("the frozen handshakes");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let handshakes = file["handshakes"].as_array().expect("a list");
    assert_eq!(handshakes.len(), 8);
    for vector in handshakes {
        check(vector);
    }
}

fn check(vector: &Value) {
    let name = vector["name"].as_str().expect("a name");
    let (initiator, responder) = (secrets(&vector["initiator"]), secrets(&vector["responder"]));
    let expected = &vector["expected"];
    let init = bytes(&expected["init"]);
    let network = bytes(&vector["network"]);
    let prologue = [b"mp2p/1\0", &init[..12], &responder.key, &network].concat();

    let psk: Option<[u8; 32]> =
        vector["psk"].as_str().map(|_| bytes(&vector["psk"]).try_into().expect("32 bytes"));
    let pattern = name.split(',').next().expect("a pattern");
    let params = format!("Noise_{pattern}_25519_ChaChaPoly_SHA512");
    let build = |side: &Secrets, initiates: bool| -> HandshakeState {
        let peer = curve::x25519_public_key(&responder.static_secret).expect("32 bytes");
        let mut builder = Builder::new(params.parse().expect(pattern));
        builder = builder.prologue(&prologue).expect("a prologue");
        builder = builder.local_private_key(&side.static_secret).expect("a static key");
        builder = builder.fixed_ephemeral_key_for_testing_only(&side.ephemeral);
        if let Some(psk) = &psk {
            builder = builder.psk(if pattern.starts_with("IK") { 2 } else { 3 }, psk).expect("psk");
        }
        if !initiates {
            return builder.build_responder().expect("a responder");
        }
        if pattern.starts_with("IK") {
            builder = builder.remote_public_key(&peer).expect("a remote static");
        }
        builder.build_initiator().expect("an initiator")
    };
    let (mut dialler, mut answerer) = (build(&initiator, true), build(&responder, false));

    pass(name, (&mut dialler, &mut answerer), &init[INIT_NOISE]);
    let response = bytes(&expected["response"]);
    let payload = pass(name, (&mut answerer, &mut dialler), &response[RESPONSE_NOISE]);
    assert_eq!(payload[..20], response[..20], "{name}: RESP's copy of its header");
    if !expected["fin"].is_null() {
        let fin = bytes(&expected["fin"]);
        let payload = pass(name, (&mut dialler, &mut answerer), &fin[FIN_NOISE]);
        assert_eq!(payload[..12], fin[..12], "{name}: FIN's copy of its header");
    }
    check_keys(name, expected, &mut dialler);
}

/// The reader reads the frozen message, then the writer writes the same bytes from its payload.
fn pass(
    name: &str,
    (writer, reader): (&mut HandshakeState, &mut HandshakeState),
    frozen: &[u8],
) -> Vec<u8> {
    let mut payload = vec![0; 512];
    let length = reader.read_message(frozen, &mut payload).expect(name);
    payload.truncate(length);
    let mut written = vec![0; 512];
    let length = writer.write_message(&payload, &mut written).expect(name);
    assert_eq!(&written[..length], frozen, "{name}: snow writes other bytes");
    payload
}

fn check_keys(name: &str, expected: &Value, dialler: &mut HandshakeState) {
    let suite = u8::try_from(expected["suite"].as_u64().expect("a suite")).expect("a byte");
    let (first, second) = dialler.dangerously_get_raw_split();
    for (direction, secret) in [("initiatorToResponder", first), ("responderToInitiator", second)] {
        for (field, label) in [("key", "mp2p/1 key\0"), ("iv", "mp2p/1 iv\0")] {
            let frozen = bytes(&expected[direction][field]);
            let mut derived = vec![0; frozen.len()];
            let info = [label.as_bytes(), &[suite]].concat();
            hash::hkdf_sha512(&[], &secret, &info, &mut derived).expect("a short output");
            assert_eq!(derived, frozen, "{name}: {direction} {field}");
        }
    }
    let text = [b"mp2p/1 exporter\0", dialler.get_handshake_hash()].concat();
    let exporter = hash::hmac_sha512(&[first, second].concat(), &text);
    assert_eq!(exporter[..], bytes(&expected["exporter"]), "{name}: exporter");
}

fn secrets(side: &Value) -> Secrets {
    let seed = bytes(&side["seed"]);
    let mut static_secret = [0; 32];
    hash::hkdf_sha512(&[], &seed, b"mp2p/1 static x25519\0", &mut static_secret).expect("32 bytes");
    let key = curve::ed25519_public_key(&seed).expect("32 bytes").to_vec();
    Secrets { key, static_secret, ephemeral: bytes(&side["ephemeral"]) }
}

fn bytes(hex: &Value) -> Vec<u8> {
    let text = hex.as_str().expect("hex");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex"))
        .collect()
}
