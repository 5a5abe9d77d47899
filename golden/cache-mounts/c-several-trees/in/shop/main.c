int pence(int);
int main(void) { return pence(0); }
