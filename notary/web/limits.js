// Every bound on outside input; the reasons stand in notary/limits.py, whose values these are.

const KIB = 1024;
const MIB = 1024 * 1024;

export const LIMITS = Object.freeze({
  proofBytes: 64 * KIB,
  proofDepth: 255,
  proofResultBytes: 4096,
  proofPayloadBytes: 8192,
  proofUriBytes: 1000,
  proofVarintBytes: 10,
  proofWorkBytes: 32 * MIB,
  proofAttestations: 256,
  blockHeight: 2 ** 32 - 1,
  heights: 16,
  replyBytes: 64 * KIB,
  replyText: 160,
  readSeconds: 10,
  exchangeSeconds: 20,
  jsonDepth: 8,
  manifestBytes: 64 * KIB,
  itemLineBytes: 64 * KIB,
  batchItems: 2 ** 40,
  declaredText: 4096,
  headersIndexBytes: 64 * KIB,
  headers: 100_000,
  zipEntries: 2_100_000,
  zipTotalBytes: 2 ** 40,
  zipRatio: 200,
  zipRatioFreeBytes: MIB,
  zipNameBytes: 4096,
  bagLineBytes: 64 * KIB,
  treeBytes: 64 * MIB,
  listedProblems: 20,
  itemsListed: 500,
  readBytes: MIB,
  pdfHeadBytes: KIB,
});
