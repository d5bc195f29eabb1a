// What bluechictl's start is measured by: the least that a compiled program can do.
console.log("one line");
