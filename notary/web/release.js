// What notary/webpage.py knows of the release and puts in this file's place.

export const RELEASE = {
  version: "",
  // Of Bitcoin's chain, as `Checkpoints` has them, in base 64; and the height of the last.
  checkpoints: "",
  lastCheckpoint: 0,
  // The block explorers that may be asked, and how many of them have to give the same header.
  explorers: [""],
  minExplorers: 0,
  // What no report says, on a bundle and on a claim; the members of a record, as people read them.
  notClaimed: [""],
  notShown: [""],
  stated: { member: "" },
};
