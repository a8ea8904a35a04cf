'use strict';

/**
 * The names of the binaries that may fit. On Linux there are several, of which only one loads: that of the C library.
 */
function candidates(platform = process.platform, arch = process.arch) {
  const target = `${platform}-${arch}`;
  if (platform === 'linux') return [`${target}-gnu`, `${target}-musl`];
  return platform === 'win32' ? [`${target}-msvc`] : [target];
}

/** The C library of this Linux. Takes milliseconds: for errors only. */
function libc() {
  if (process.platform !== 'linux') return undefined;
  const { excludeNetwork } = process.report;
  process.report.excludeNetwork = true; // else the report looks up the name of each open connection's peer
  const { glibcVersionRuntime } = process.report.getReport().header;
  process.report.excludeNetwork = excludeNetwork;
  return glibcVersionRuntime === undefined ? 'musl' : `glibc ${glibcVersionRuntime}`;
}

/** This machine as an error names it. */
function host() {
  return [`${process.platform}-${process.arch}`, libc(), `Node.js ${process.version}`].filter(Boolean).join(', ');
}

module.exports = { candidates, host };
