require('@mono/core');
