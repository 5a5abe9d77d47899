namespace Shop;
