//! A folder of stacks that is brought to what its files say.
