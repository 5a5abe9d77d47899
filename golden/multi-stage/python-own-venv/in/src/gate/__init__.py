def main():
    print('gate')
