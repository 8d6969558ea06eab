// What notary/webpage.py knows of the release and puts in this file's place.

export const RELEASE = {
  version: "",
  // For each period of 2,016 blocks of Bitcoin's chain the hash of its last block as headers have it, without zeros at its
  // end; in rows, to the base 85, and how many bytes each hash of a row has.
  checkpoints: [""],
  checkpointBytes: [0],
  // The height of the last of them, and the bits of the block that follows.
  lastCheckpoint: 0,
  lastBits: 0,
  // The block explorers that may be asked, and how many of them have to give the same header.
  explorers: [""],
  minExplorers: 0,
  notClaimed: [""],
};
