int pence(int pounds) { return pounds * 100; }
