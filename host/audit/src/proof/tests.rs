//! The tree, its proofs and their checks against vectors of transparency-dev/merkle, and every mutation that its generator knows.
use ostler_core::Timestamp;
use serde::Deserialize;
use tlog_tiles::tree_hash;

use super::*;
use crate::tree::Edge;

#[derive(Deserialize)]
struct Vectors {
    tree: Tree,
    inclusion: Vec<Inclusion>,
    consistency: Vec<Consistency>,
}

#[derive(Deserialize)]
struct Tree {
    leaves: Vec<String>,
    roots: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inclusion {
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Vec<String>,
    desc: String,
    want_err: bool,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consistency {
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    proof: Vec<String>,
    desc: String,
    want_err: bool,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../tests/vectors/merkle.json")).unwrap()
}

/// Some vectors have words in the place of hashes; they are filled up with zeros.
fn hash(text: &str) -> Hash {
    let mut hash = [0; 32];
    let bytes = STANDARD.decode(text).unwrap();
    hash.get_mut(..bytes.len()).unwrap().copy_from_slice(&bytes);
    Hash(hash)
}

fn head(size: u64, root: &str) -> Head {
    Head { size, root: hash(root), log_bytes: 0, time: Timestamp(0) }
}

impl Inclusion {
    fn holds(&self) -> bool {
        let proof: Vec<Hash> = self.proof.iter().map(|text| hash(text)).collect();
        check_inclusion(&proof, &head(self.tree_size, &self.root), self.leaf_idx, hash(&self.leaf_hash))
            .is_ok()
    }
}

impl Consistency {
    fn holds(&self) -> bool {
        let proof: Vec<Hash> = self.proof.iter().map(|text| hash(text)).collect();
        check_consistency(&proof, &head(self.size1, &self.root1), &head(self.size2, &self.root2)).is_ok()
    }
}

/// Every way in which the generator spoils a proof.
fn spoiled(proof: &[String], roots: &[&str]) -> Vec<Vec<String>> {
    let garbage = STANDARD.encode([0x5a; 32]);
    let mut all: Vec<Vec<String>> = Vec::new();
    for (at, item) in proof.iter().enumerate() {
        let mut bytes = hash(item);
        bytes.0[0] ^= 1 << 3;
        let mut modified = proof.to_vec();
        *modified.get_mut(at).unwrap() = STANDARD.encode(bytes.0);
        all.push(modified);
        let mut removed = proof.to_vec();
        removed.remove(at);
        all.push(removed);
        let mut inserted = proof.to_vec();
        inserted.insert(at, garbage.clone());
        all.push(inserted);
    }
    for extra in roots.iter().map(|root| (*root).to_owned()).chain([garbage]) {
        all.push([proof, std::slice::from_ref(&extra)].concat());
        all.push([std::slice::from_ref(&extra), proof].concat());
    }
    all
}

#[test]
fn the_tree_and_its_proofs_are_those_of_other_logs() {
    let Vectors { tree, inclusion, consistency } = vectors();
    let file = tempfile::tempfile().unwrap();
    let mut hashes = FileHashes { file: &file, pending_from: 0, pending: Vec::new() };
    let mut edge = Edge::default();
    assert_eq!(tree.leaves.len(), tree.roots.len());
    for (size, (leaf, root)) in (0..).zip(tree.leaves.iter().zip(&tree.roots)) {
        hashes.add(size, &STANDARD.decode(leaf).unwrap()).unwrap();
        edge.add(&STANDARD.decode(leaf).unwrap()).unwrap();
        assert_eq!(tree_hash(size + 1, &hashes).unwrap(), hash(root), "{size}");
        assert_eq!(edge.root().unwrap(), hash(root), "{size}");
    }
    hashes.flush().unwrap();
    let texts =
        |proof: Vec<Hash>| -> Vec<String> { proof.iter().map(|hash| STANDARD.encode(hash.0)).collect() };
    let mut proved = 0;
    for vector in inclusion.iter().filter(|vector| !vector.want_err) {
        let proof = prove_record(vector.tree_size, vector.leaf_idx, &hashes).unwrap();
        assert_eq!(texts(proof), vector.proof, "{}", vector.desc);
        proved += 1;
    }
    for vector in consistency.iter().filter(|vector| !vector.proof.is_empty() && !vector.want_err) {
        let proof = prove_tree(vector.size2, vector.size1, &hashes).unwrap();
        assert_eq!(texts(proof), vector.proof, "{}", vector.desc);
        proved += 1;
    }
    assert!(proved >= 8, "{proved}");
}

#[test]
fn inclusion_proofs_of_other_logs_hold_and_spoiled_ones_do_not() {
    let mut refused = 0;
    for vector in vectors().inclusion {
        assert_eq!(vector.holds(), !vector.want_err, "{}", vector.desc);
        if vector.want_err {
            continue;
        }
        let mut wrong: Vec<Inclusion> = spoiled(&vector.proof, &[&vector.root, &vector.leaf_hash])
            .into_iter()
            .map(|proof| Inclusion { proof, ..vector.clone() })
            .collect();
        for leaf_idx in [vector.leaf_idx.wrapping_sub(1), vector.leaf_idx + 1, vector.leaf_idx ^ 2] {
            wrong.push(Inclusion { leaf_idx, ..vector.clone() });
        }
        for tree_size in [vector.tree_size * 2, vector.tree_size / 2, 0] {
            wrong.push(Inclusion { tree_size, ..vector.clone() });
        }
        wrong.push(Inclusion { root: STANDARD.encode(EMPTY_HASH.0), ..vector.clone() });
        wrong.push(Inclusion { leaf_hash: vector.root.clone(), ..vector.clone() });
        for wrong in wrong {
            assert!(!wrong.holds(), "line {} of {}: {:?}", wrong.leaf_idx, wrong.tree_size, wrong.proof);
            refused += 1;
        }
    }
    assert!(refused > 60, "{refused}");
}

#[test]
fn consistency_proofs_of_other_logs_hold_and_spoiled_ones_do_not() {
    let mut refused = 0;
    for vector in vectors().consistency {
        assert_eq!(vector.holds(), !vector.want_err, "{}", vector.desc);
        if vector.want_err || vector.proof.is_empty() {
            continue;
        }
        let mut wrong: Vec<Consistency> = spoiled(&vector.proof, &[&vector.root1, &vector.root2])
            .into_iter()
            .map(|proof| Consistency { proof, ..vector.clone() })
            .collect();
        for size1 in [vector.size1 - 1, vector.size1 + 1, vector.size1 ^ 2] {
            wrong.push(Consistency { size1, ..vector.clone() });
        }
        for size2 in [vector.size2 * 2, vector.size2 / 2] {
            wrong.push(Consistency { size2, ..vector.clone() });
        }
        let Consistency { root1, root2, .. } = vector.clone();
        wrong.push(Consistency { root1: root2.clone(), root2: root1.clone(), ..vector.clone() });
        wrong.push(Consistency { root1: root2, ..vector.clone() });
        wrong.push(Consistency { root2: root1, ..vector.clone() });
        wrong.push(Consistency { proof: Vec::new(), ..vector.clone() });
        for wrong in wrong {
            assert!(!wrong.holds(), "{} to {}: {:?}", wrong.size1, wrong.size2, wrong.proof);
            refused += 1;
        }
    }
    assert!(refused > 60, "{refused}");
}

#[test]
fn a_tree_is_consistent_with_itself_without_a_hash_of_proof() {
    for size in [1, 2, 3, 8] {
        let root = Hash([7; 32]);
        let head = Head { size, root, log_bytes: 0, time: Timestamp(0) };
        let other = Head { root: Hash([8; 32]), ..head };
        assert!(check_consistency(&[], &head, &head).is_ok(), "{size}");
        assert!(check_consistency(&[root], &head, &head).is_err(), "{size}");
        assert!(check_consistency(&[], &head, &other).is_err(), "{size}");
    }
}
