//! Proofs about the audit log, from the hashes in the database.

use crate::{Error, Store};
use audit::{
    checkpoint::Checkpoint,
    evidence::Evidence,
    note::Note,
    proof::{Plan, Read},
    tree::Hash,
};

impl Store {
    /// The proof that entry `index` is in the log's first `size` entries; `None` when it is not, or hashes are missing.
    pub async fn inclusion_proof(&self, index: u64, size: u64) -> Result<Option<Vec<Hash>>, Error> {
        self.proof(Plan::inclusion(index, size)).await
    }

    /// The proof that the log of `new` entries begins with that of `old` entries; `None` when hashes are missing.
    pub async fn consistency_proof(&self, old: u64, new: u64) -> Result<Option<Vec<Hash>>, Error> {
        self.proof(Plan::consistency(old, new)).await
    }

    /// Evidence that an entry is in the log that the signed note vouches for. `None` when there is no such entry in it, or its
    /// text was dropped.
    pub async fn evidence(&self, index: u64, checkpoint: &str) -> Result<Option<Evidence>, Error> {
        let vouched = Note::parse(checkpoint).map(|note| Checkpoint::parse(note.unverified()));
        let Ok(Ok(vouched)) = vouched else {
            return Ok(None);
        };
        let row = self.rows(index, 1).await?.pop().filter(|row| row.index == index);
        let Some(leaf) = row.and_then(|row| row.leaf) else {
            return Ok(None);
        };
        let proof = self.inclusion_proof(index, vouched.size()).await?;
        Ok(proof.map(|proof| Evidence {
            index,
            leaf,
            proof,
            checkpoint: checkpoint.to_owned(),
        }))
    }

    async fn proof(&self, plan: Option<Plan>) -> Result<Option<Vec<Hash>>, Error> {
        let Some(plan) = plan else {
            return Ok(None);
        };
        let mut hashes = Vec::with_capacity(plan.reads().len());
        for read in plan.reads() {
            hashes.push(match *read {
                Read::Leaves { from, to } => self.leaf_hashes(from, to).await?,
                Read::Tiles { level, from, to } => {
                    let tiles = self.tiles(level, from, to).await?;
                    tiles.into_iter().map(|tile| tile.hash).collect()
                }
            });
        }
        Ok(plan.proof(&hashes))
    }
}
