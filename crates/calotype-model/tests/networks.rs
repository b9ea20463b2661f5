//! The text of a network: what is read, what comes back, what is refused by which name.

use std::path::Path;

use calotype_model::{Decoder, Encoder, Error, synthetic};
use serde_json::{Value, json};

fn repository(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

fn checkerboard() -> Value {
    serde_json::from_str(&repository("tests/networks/checkerboard.json")).unwrap()
}

/// The words with which a network is refused once `edit` has changed it.
fn refusal(edit: impl Fn(&mut Value)) -> String {
    let mut network = checkerboard();
    edit(&mut network);
    match synthetic::network(&network.to_string(), 1) {
        Err(error @ Error::Network { .. }) => error.to_string(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("accepted"),
    }
}

#[test]
fn the_example_of_the_page_is_a_network() {
    let page = repository("docs/MODEL.md");
    let begin = page.find("    {\"chains\": {\n").unwrap();
    let example: String = page[begin..].lines().take_while(|line| line.starts_with("    ")).collect();
    let decoder: Value = serde_json::from_str(&example).unwrap();
    let encoder = json!({"chains": {"g_a": {"from": ["pixels"], "stages": [
        {"name": "g_a.first", "wide": true, "unshuffle": 8, "outputs": 64},
        {"name": "g_a.last", "wide": true, "unshuffle": 2, "outputs": 384}]}}});
    let (decoder, _) = synthetic::network(&json!({"decoder": decoder, "encoder": encoder}).to_string(), 1).unwrap();
    assert_eq!((decoder.config.m, decoder.config.z, decoder.config.p, decoder.predictors.len()), (384, 64, 160, 4));
}

#[test]
fn files_of_the_second_form_come_back_as_they_went() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/networks");
    for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        let (decoder, encoder) = synthetic::network(&std::fs::read_to_string(&file).unwrap(), 3).unwrap();
        let bytes = decoder.to_safetensors().unwrap();
        let says = String::from_utf8_lossy(&bytes).contains("\\\"schedule\\\"");
        assert_eq!(says, !file.ends_with("wide96.json"), "{}: all but one of the first form say their network", file.display());
        assert_eq!(Decoder::from_safetensors(&bytes).as_ref(), Ok(&decoder), "{}", file.display());
        assert_eq!(Encoder::from_safetensors(&encoder.to_safetensors().unwrap()).as_ref(), Ok(&encoder), "{}", file.display());
    }
}

#[test]
fn the_schedule_is_part_of_the_id() {
    let id = |edit: &dyn Fn(&mut Value)| {
        let mut network = checkerboard();
        edit(&mut network);
        synthetic::network(&network.to_string(), 1).unwrap().0.id
    };
    let turned = |network: &mut Value| {
        network["decoder"]["schedule"]["steps"][0]["cells"][0][2] = json!(6);
        network["decoder"]["schedule"]["steps"][1]["cells"][0][2] = json!(9);
    };
    assert_ne!(id(&turned), id(&|_| ()), "the same tensors, other places");
}

#[test]
fn faults_are_named() {
    let decoder =
        |path: &'static str, value: Value| move |network: &mut Value| *network["decoder"].pointer_mut(path).unwrap() = value.clone();
    let stride_64 = |network: &mut Value| {
        network["decoder"]["latents"]["stride"] = json!(64);
        network["decoder"]["hyper"]["stride"] = json!(256);
    };
    let cases: [(String, &str); 22] = [
        (refusal(decoder("/latents/stride", json!(32))), "text: the stride of hyper-latents is 4 times that of latents"),
        (refusal(stride_64), "latents: their stride is one of [8, 16, 32]"),
        (refusal(decoder("/latents/channels", json!(28))), "schedule: it does not set each of 28 channels once"),
        (refusal(decoder("/schedule/steps/1/cells/0/2", json!(7))), "schedule: it does not set each"),
        (refusal(decoder("/schedule/steps/1/cells/0/2", json!(22))), "schedule: it does not set each"),
        (refusal(decoder("/schedule/period", json!(9))), "schedule: it does not set each"),
        (refusal(decoder("/schedule/steps/1/mean", json!("context.7"))), "it has no chain context.7"),
        (
            refusal(decoder("/schedule/steps/1", json!({"cells": [[0, 24, 6]], "mean": "mean_head", "scale": "scale_head"}))),
            "the first step alone",
        ),
        (
            refusal(decoder("/schedule/steps/1", json!({"cells": [[0, 24, 6]], "mean": "context.0", "width": "mean_head"}))),
            "the first step alone",
        ),
        (
            refusal(decoder(
                "/schedule/steps/0",
                json!({"cells": [[0, 24, 9]], "mean": "mean_head", "scale": "scale_head", "width": "scale_head"}),
            )),
            "scale_head: a predictor makes means, scales or widths",
        ),
        (
            refusal(decoder(
                "/schedule/steps/0",
                json!({"cells": [[0, 24, 9]], "mean": "mean_head", "scale": "scale_head", "width": "context.0"}),
            )),
            "context.0: scales and widths come from h through one layer",
        ),
        (refusal(decoder("/chains/g_s/stages/1/outputs", json!(188))), "g_s"),
        (refusal(decoder("/chains/g_s/stages/0/shuffle", json!(3))), "g_s: g_s.first: a shuffle is"),
        (refusal(decoder("/chains/g_s/stages/0/shuffle", json!(0))), "g_s: g_s.first: a shuffle is"),
        (refusal(decoder("/chains/context.0/stages/1/outputs", json!(20))), "context.0: it makes 20 channels instead of 24"),
        (refusal(decoder("/chains/context.0/from", json!(["v_hat"]))), "context.0: a predictor sees h"),
        (
            refusal(|network| drop(network["decoder"]["chains"].as_object_mut().unwrap().remove("h_s"))),
            "hyper and the chain h_s belong together",
        ),
        (refusal(decoder("/chains/g_s/from", json!(["h"]))), "g_s: it reads [VHat] alone"),
        (
            refusal(|network| network["decoder"]["chains"]["mean_head"]["stages"][0]["wide"] = json!(true)),
            "mean_head: layers of entropy networks are no wide ones",
        ),
        (
            refusal(decoder("/chains/h_s/stages/0", json!({"name": "h_s.first", "outputs": 48, "shuffle": 2}))),
            "h_s.first: each stage but the last has blocks",
        ),
        (
            refusal(decoder("/chains/h_s/stages", json!([{"name": "h_s.first", "outputs": 192, "shuffle": 4}]))),
            "h_s.first: here the unshuffle is at most 1, the shuffle at most 2",
        ),
        (
            refusal(decoder("/chains/mean_head/stages/0", json!({"name": "mean_head", "outputs": 24, "bias": "bias.mean"}))),
            "mean_head: a bias stands in the first stage of g_s alone",
        ),
    ];
    for (refusal, expected) in cases {
        assert!(refusal.contains(expected), "{refusal:?} does not say {expected:?}");
    }
    let unused = |network: &mut Value| {
        network["decoder"]["schedule"]["steps"] = json!([{"mean": "mean_head", "scale": "scale_head", "cells": [[0, 24, 15]]}]);
    };
    assert!(refusal(unused).contains("context.0: no step uses this predictor"));
    let surplus = |network: &mut Value| network["decoder"]["depth"] = json!(3);
    assert!(refusal(surplus).contains("unknown field `depth`"));
    let one = |network: &mut Value| network["decoder"]["chains"]["mean_head"]["stages"][0]["shuffle"] = json!(1);
    assert!(refusal(one).contains("without what can be left out"), "what can be left out is");
    let encoder = |network: &mut Value| {
        network["encoder"]["chains"]["h_a"]["stages"][1].as_object_mut().unwrap().remove("unshuffle");
    };
    assert!(refusal(encoder).contains("h_a: its shuffles do not lead"));
}

/// One model has one file: a network of the first form has no text.
#[test]
fn the_first_form_has_no_text() {
    let mut network: Value = serde_json::from_str(&repository("tests/networks/wide96.json")).unwrap();
    let file = synthetic::network(&network.to_string(), 1).unwrap().0.to_safetensors().unwrap();
    let end = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&file[8..end]).unwrap();
    let metadata = &mut header["__metadata__"];
    let mut config: Value = serde_json::from_str(metadata["config"].as_str().unwrap()).unwrap();
    config.as_object_mut().unwrap().retain(|key, _| ["skip_below", "scale_lut_offset", "released"].contains(&key.as_str()));
    metadata["config"] = json!(config.to_string());
    metadata["network"] = json!(network["decoder"].take().to_string());
    let header = header.to_string();
    let written = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &file[end..]].concat();
    let error = Decoder::from_safetensors(&written).unwrap_err().to_string();
    assert!(error.contains("it is written without a text"), "{error}");
}

/// Sizes beyond reason are refused before anything is made of them.
#[test]
fn absurd_sizes_do_no_harm() {
    let huge = json!(u64::MAX);
    for path in [
        "/latents/channels",
        "/hyper/channels",
        "/chains/h_s/stages/0/outputs",
        "/chains/h_s/stages/0/shuffle",
        "/schedule/period",
        "/chains/g_s/stages/0/outputs",
        "/schedule/steps/0/cells/0/1",
        "/chains/g_s/stages/0/expansion",
    ] {
        refusal(|network| *network["decoder"].pointer_mut(path).unwrap() = huge.clone());
    }
    let many = |network: &mut Value| {
        let stages = network["decoder"]["chains"]["h_s"]["stages"].as_array_mut().unwrap();
        let stage = stages[1].clone();
        (0..10_000).for_each(|_| stages.push(stage.clone()));
    };
    assert!(refusal(many).contains("10002 stages"));
}
